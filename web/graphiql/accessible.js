// Mends what GraphiQL leaves in the way of somebody who uses it without a mouse, or without seeing it.
//
// GraphiQL draws itself anew as one works, so what is mended is looked after: each mend leaves alone what is right already.

const mends = [
  // The editors' own fields have no name; the parts that they stand in do.
  ['.graphiql-query-editor textarea', (field) => name(field, 'Operation')],
  ['.graphiql-editor-tool .graphiql-editor:nth-child(1) textarea', (field) => name(field, 'Variables')],
  ['.graphiql-editor-tool .graphiql-editor:nth-child(2) textarea', (field) => name(field, 'Headers')],
  ['.result-window textarea', (field) => name(field, 'Response')],
  ['.graphiql-explorer-root select', (field) => name(field, 'Kind of operation to add')],
  // A tab that holds two buttons is none: they are a list of buttons, of which one is current.
  ['.graphiql-tabs', (list) => list.removeAttribute('role')],
  ['.graphiql-tab', untab],
  ['#graphiql-session', (panel) => set(panel, 'role', 'region')],
];

function set(element, attribute, value) {
  if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
}

function name(field, label) {
  set(field, 'aria-label', label);
}

function untab(tab) {
  const selected = tab.classList.contains('graphiql-tab-active');
  tab.removeAttribute('role');
  tab.removeAttribute('aria-selected');
  const button = tab.querySelector('.graphiql-tab-button');
  if (button) set(button, 'aria-current', String(selected));
  const close = tab.querySelector('.graphiql-tab-close');
  if (close) set(close, 'aria-label', `Close ${button?.textContent ?? 'tab'}`);
}

/** Gives the page a heading and a landmark, and keeps what is drawn in `root` mended. */
export function mend(root) {
  const main = document.createElement('main');
  const heading = document.createElement('h1');
  heading.className = 'unseen';
  heading.textContent = 'GraphiQL';
  root.replaceWith(main);
  main.append(heading, root);
  const look = () => {
    for (const [selector, mended] of mends) for (const element of root.querySelectorAll(selector)) mended(element);
  };
  new MutationObserver(look).observe(root, {
    subtree: true,
    childList: true,
    attributeFilter: ['role', 'aria-selected', 'class'],
  });
}
