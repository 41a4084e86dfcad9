//! The raw material of made-up directories: names in several languages and scripts, departments,
//! makes of devices, and serial numbers that real firmware is known to report and that mean nothing.

/// A name as it is written, and its form in a mail address.
pub struct Name {
    pub native: &'static str,
    pub latin: &'static str,
}

pub struct Locale {
    pub tag: &'static str,
    pub given: &'static [Name],
    pub surnames: &'static [Name],
}

const fn plain(name: &'static str) -> Name {
    Name {
        native: name,
        latin: name,
    }
}

const fn written(native: &'static str, latin: &'static str) -> Name {
    Name { native, latin }
}

/// The locale that a given name belongs to, for `preferredLanguage`.
pub fn locale(given: &Name) -> Option<&'static str> {
    LOCALES
        .iter()
        .find(|locale| locale.given.iter().any(|name| name.native == given.native))
        .map(|locale| locale.tag)
}

pub const LOCALES: &[Locale] = &[
    Locale {
        tag: "en-US",
        given: &[
            plain("Robin"),
            plain("Alex"),
            plain("Morgan"),
            plain("Dana"),
            plain("Harper"),
            plain("Quinn"),
            plain("Jesse"),
            plain("Rowan"),
            plain("Avery"),
            plain("Casey"),
            plain("Blair"),
            plain("Emerson"),
        ],
        surnames: &[
            plain("Archer"),
            plain("Fielding"),
            plain("Marsh"),
            plain("Whitfield"),
            plain("Hayes"),
            plain("Barton"),
            plain("Lockwood"),
            plain("Prescott"),
            plain("Sawyer"),
            plain("Thorne"),
            plain("Vaughan"),
            plain("Winslow"),
        ],
    },
    Locale {
        tag: "de-DE",
        given: &[
            plain("Lukas"),
            written("Jörg", "joerg"),
            plain("Sabine"),
            written("Käthe", "kaethe"),
            plain("Anneliese"),
            plain("Uwe"),
        ],
        surnames: &[
            written("Müller", "mueller"),
            plain("Schneider"),
            written("Groß", "gross"),
            plain("Weber"),
            written("Schäfer", "schaefer"),
            plain("Vogel"),
        ],
    },
    Locale {
        tag: "fr-FR",
        given: &[
            written("Élodie", "elodie"),
            written("François", "francois"),
            plain("Margaux"),
            written("Noël", "noel"),
            plain("Camille"),
        ],
        surnames: &[
            written("Lefèvre", "lefevre"),
            plain("Moreau"),
            written("D'Aubigné", "daubigne"),
            plain("Girard"),
            written("Châtelain", "chatelain"),
        ],
    },
    Locale {
        tag: "pl-PL",
        given: &[
            written("Łukasz", "lukasz"),
            written("Małgorzata", "malgorzata"),
            plain("Zofia"),
            written("Świętosława", "swietoslawa"),
        ],
        surnames: &[
            written("Wiśniewski", "wisniewski"),
            plain("Kowalczyk"),
            written("Dąbrowska", "dabrowska"),
            written("Żak", "zak"),
        ],
    },
    Locale {
        tag: "tr-TR",
        given: &[
            written("İpek", "ipek"),
            written("Çağlar", "caglar"),
            written("Işıl", "isil"),
            plain("Deniz"),
        ],
        surnames: &[
            written("Yılmaz", "yilmaz"),
            written("Öztürk", "ozturk"),
            written("Şahin", "sahin"),
        ],
    },
    Locale {
        tag: "ru-RU",
        given: &[
            written("Ольга", "olga"),
            written("Дмитрий", "dmitry"),
            written("Наталья", "natalya"),
            written("Фёдор", "fyodor"),
        ],
        surnames: &[
            written("Иванова", "ivanova"),
            written("Кузнецов", "kuznetsov"),
            written("Соловьёва", "solovyova"),
        ],
    },
    Locale {
        tag: "el-GR",
        given: &[
            written("Ελένη", "eleni"),
            written("Γιώργος", "giorgos"),
            written("Δέσποινα", "despina"),
        ],
        surnames: &[written("Παπαδοπούλου", "papadopoulou"), written("Νικολάου", "nikolaou")],
    },
    Locale {
        tag: "ja-JP",
        given: &[
            written("さくら", "sakura"),
            written("健太", "kenta"),
            written("美咲", "misaki"),
            written("翔", "sho"),
        ],
        surnames: &[
            written("佐藤", "sato"),
            written("鈴木", "suzuki"),
            written("髙橋", "takahashi"),
            written("渡邉", "watanabe"),
        ],
    },
    Locale {
        tag: "zh-CN",
        given: &[
            written("伟", "wei"),
            written("秀英", "xiuying"),
            written("芳", "fang"),
            written("𠮷明", "jiming"),
        ],
        surnames: &[written("王", "wang"), written("欧阳", "ouyang"), written("李", "li")],
    },
    Locale {
        tag: "ar-SA",
        given: &[
            written("فاطمة", "fatima"),
            written("محمد", "mohammed"),
            written("ليلى", "layla"),
        ],
        surnames: &[written("الحداد", "alhaddad"), written("خليل", "khalil")],
    },
    Locale {
        tag: "he-IL",
        given: &[written("נועה", "noa"), written("יוסף", "yosef")],
        surnames: &[written("כהן", "cohen"), written("לוי", "levi")],
    },
    Locale {
        tag: "hi-IN",
        given: &[
            written("प्रिया", "priya"),
            written("अर्जुन", "arjun"),
            written("लक्ष्मी", "lakshmi"),
        ],
        surnames: &[written("शर्मा", "sharma"), written("पटेल", "patel")],
    },
    Locale {
        tag: "vi-VN",
        given: &[
            written("Thị Hằng", "hang"),
            written("Đức", "duc"),
            written("Ngọc", "ngoc"),
        ],
        surnames: &[written("Nguyễn", "nguyen"), written("Trần", "tran")],
    },
];

/// Departments and the titles that occur in them.
pub const DEPARTMENTS: &[(&str, &[&str])] = &[
    (
        "Executive",
        &["Managing Director", "Chief Financial Officer", "Assistant to the Board"],
    ),
    ("Sales", &["Account Manager", "Sales Engineer", "Regional Sales Lead"]),
    ("Marketing", &["Campaign Manager", "Copywriter", "Head of Brand"]),
    (
        "Engineering",
        &["Software Engineer", "Test Engineer", "Engineering Manager"],
    ),
    ("Operations", &["Operations Analyst", "Shift Lead", "Warehouse Clerk"]),
    ("Finance", &["Accountant", "Controller", "Payroll Clerk"]),
    ("Human Resources", &["Recruiter", "HR Partner"]),
    ("Legal", &["Counsel", "Paralegal"]),
    ("IT", &["Systems Administrator", "Service Desk Analyst"]),
    ("Customer Care", &["Support Agent", "Team Lead"]),
    ("Research & Development", &["Scientist", "Laboratory Technician"]),
    ("Purchasing", &["Buyer", "Category Manager"]),
    ("Facilities", &["Caretaker", "Fleet Coordinator"]),
];

pub const OFFICES: &[&str] = &[
    "18/2111",
    "Main Street 4",
    "Harbour",
    "Remote",
    "Zürich",
    "Building B, 2nd floor",
];

pub const TOPICS: &[&str] = &[
    "Project",
    "VPN Users",
    "Distribution",
    "Licences",
    "Café",
    "Visitors",
    "プロジェクト",
    "Printers",
    "Site",
    "Committee",
];

pub const GUEST_DOMAINS: &[&str] = &["fabrikam.example", "adatum.example", "northwind.example"];

/// What `assignedLicenses` holds for somebody who has a licence: Microsoft 365 Business Premium.
pub const LICENSED: &str = r#"[{"disabledPlans":[],"skuId":"cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"}]"#;

pub struct Make {
    pub manufacturer: &'static str,
    pub system: &'static str,
    pub name_prefix: &'static str,
    pub serial_prefix: &'static str,
    pub models: &'static [&'static str],
    pub versions: &'static [&'static str],
}

pub const MAKES: &[Make] = &[
    Make {
        manufacturer: "Dell Inc.",
        system: "Windows",
        name_prefix: "LT",
        serial_prefix: "D",
        models: &["Latitude 5450", "OptiPlex 7020"],
        versions: &["10.0.22631.4317", "10.0.26100.2033"],
    },
    Make {
        manufacturer: "LENOVO",
        system: "Windows",
        name_prefix: "TP",
        serial_prefix: "PF",
        models: &["21HDCTO1WW", "20XW00ACUS"],
        versions: &["10.0.22631.4317", "10.0.19045.5011"],
    },
    Make {
        manufacturer: "HP",
        system: "Windows",
        name_prefix: "HP",
        serial_prefix: "5CG",
        models: &["HP EliteBook 840 G10"],
        versions: &["10.0.26100.2033"],
    },
    Make {
        manufacturer: "Microsoft Corporation",
        system: "Windows",
        name_prefix: "DESKTOP",
        serial_prefix: "0",
        models: &["Virtual Machine", "Surface Laptop 6"],
        versions: &["10.0.26100.2033"],
    },
    Make {
        manufacturer: "Apple",
        system: "iOS",
        name_prefix: "iPhone",
        serial_prefix: "F",
        models: &["iPhone 15", "iPhone SE"],
        versions: &["18.1", "17.7"],
    },
    Make {
        manufacturer: "Apple",
        system: "macOS",
        name_prefix: "MacBook",
        serial_prefix: "C02",
        models: &["MacBook Pro", "MacBook Air"],
        versions: &["15.1 (24B83)"],
    },
    Make {
        manufacturer: "samsung",
        system: "Android",
        name_prefix: "AndroidForWork",
        serial_prefix: "R5",
        models: &["SM-S921B"],
        versions: &["14.0", "15"],
    },
];

/// Serial numbers that firmware reports although nobody set one: many devices share them.
pub const JUNK_SERIALS: &[&str] = &[
    "",
    "0",
    "None",
    "Default string",
    "System Serial Number",
    "To be filled by O.E.M.",
    "0123456789",
    "Not Specified",
    "INVALID",
];
