//! The functions of the sources, read as text: which of them are tests, and which end with the comparison.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// The comparison, in the words of those who make it.
const COMPARISON: &str = "equal_and_ended_once(";

/// How many functions may lie between a test and the comparison.
const STEPS: usize = 4;

/// The functions of the sources: what stands above each, what it says, and in which file.
#[derive(Default)]
pub struct Functions {
    by_name: HashMap<String, Vec<Function>>,
    files: usize,
}

struct Function {
    file: usize,
    attributes: Vec<String>,
    body: String,
}

impl Functions {
    /// Those of the product, of its tests and of the simulator's.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut functions = Self::default();
        for folder in ["src", "tests", "simulator/tests"] {
            functions.gather(&root.join(folder));
        }
        functions
    }

    fn gather(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                self.gather(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                self.note(&fs::read_to_string(&path).expect("it can be read"));
            }
        }
    }

    /// Notes the functions of one formatted file: each begins at a line of its own and ends with a brace below its `fn`.
    fn note(&mut self, text: &str) {
        self.files += 1;
        let mut attributes = Vec::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let said = line.trim_start();
            if said.starts_with("#[") {
                attributes.push(said.to_owned());
                continue;
            }
            if said.starts_with("//") {
                continue;
            }
            if let Some(name) = name_of(said) {
                let end = format!("{}}}", &line[..line.len() - said.len()]);
                let body = lines.by_ref().take_while(|line| *line != end).collect::<Vec<_>>();
                let function = Function {
                    file: self.files,
                    attributes: std::mem::take(&mut attributes),
                    body: body.join("\n"),
                };
                self.by_name.entry(name.to_owned()).or_default().push(function);
            }
            attributes.clear();
        }
    }

    /// Whether a test of this name runs with all others.
    pub fn is_a_test(&self, name: &str) -> bool {
        let is_test = |function: &Function| {
            let has = |begins: &str| {
                function
                    .attributes
                    .iter()
                    .any(|attribute| attribute.starts_with(begins))
            };
            (has("#[test]") || has("#[tokio::test")) && !has("#[ignore") && !has("#[cfg")
        };
        self.by_name.get(name).is_some_and(|all| all.iter().any(is_test))
    }

    /// Whether it makes the comparison, itself or through what it calls.
    pub fn compares(&self, name: &str) -> bool {
        let functions = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        functions.iter().any(|function| self.leads_to_it(function, STEPS))
    }

    fn leads_to_it(&self, function: &Function, steps: usize) -> bool {
        function.body.contains(COMPARISON)
            || steps > 0
                && called_in(&function.body)
                    .filter_map(|name| self.by_name.get(name))
                    // Which of several is meant cannot be told, unless one of them is at hand.
                    .flat_map(|all| {
                        all.iter()
                            .filter(|called| all.len() == 1 || called.file == function.file)
                    })
                    .any(|called| self.leads_to_it(called, steps - 1))
    }
}

fn called_in(body: &str) -> impl Iterator<Item = &str> {
    let before_brackets = body.split('(');
    before_brackets.filter_map(|text| {
        text.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .next()
    })
}

/// The name of the function that begins on this line.
fn name_of(line: &str) -> Option<&str> {
    let before = line.split_once('(')?.0;
    let (qualifiers, name) = before.rsplit_once("fn ")?;
    let plain = |word: &str| matches!(word, "pub" | "async" | "const");
    let name = name.split_once('<').map_or(name, |(name, _)| name);
    qualifiers.split_whitespace().all(plain).then_some(name)
}

#[test]
fn a_test_that_is_set_aside_or_compares_nothing_is_noticed() {
    let mut functions = Functions::default();
    functions.note(
        "#[tokio::test]\n#[ignore]\nasync fn aside() {\n    compared().await;\n}\n\n\
         #[test]\nfn blind() {\n    let compares = true;\n}\n\n\
         #[tokio::test(flavor = \"multi_thread\")]\nasync fn good() {\n    compared().await;\n}\n\n\
         async fn compared() {\n    equal_and_ended_once(&world, &[]).await;\n}\n\n\
         /// Says #[test], and is none.\nfn helper() {\n}\n",
    );
    for (name, is_a_test, compares) in [
        ("aside", false, true),
        ("blind", true, false),
        ("good", true, true),
        ("helper", false, false),
        ("gone", false, false),
    ] {
        assert_eq!(
            (functions.is_a_test(name), functions.compares(name)),
            (is_a_test, compares),
            "{name}"
        );
    }
}
