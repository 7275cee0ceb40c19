// Gradio gives each radio button a name of its own, so that for the browser each is a group by itself: Tab
// would stop at every one, and the arrow keys would choose nothing. One name a group is all that is missing.

let groups = 0;

function nameGroups() {
  for (const group of document.querySelectorAll('fieldset:has(input[type=radio])')) {
    const name = group.getAttribute('data-radios') ?? `radios-${groups += 1}`;
    group.setAttribute('data-radios', name);
    for (const radio of group.querySelectorAll('input[type=radio]')) {
      if (radio instanceof HTMLInputElement && radio.name !== name) radio.name = name;
    }
  }
}

// Gradio makes buttons when choices change, and gives a button its own name again when somebody chooses.
export function watchRadioGroups() {
  nameGroups();
  new MutationObserver(nameGroups).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['name'] });
}
