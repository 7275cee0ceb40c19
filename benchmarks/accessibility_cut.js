() => {
    // Returns what has more text than can be seen: of buttons, headings and the like, and of fields, whose
    // text cannot wrap: WCAG asks for no less than 320 pixels.
    const WHOLE = 'button, [role=button], [role=tab], h1, h2, h3, h4, th, label, summary';
    const FIELDS = 'select, input[role=combobox], input[type=search]';
    const EDGE = 1.5; // pixels
    const LEAST = 320;
    const said = (text) => text.replace(/\s+/g, ' ').trim().slice(0, 60);
    const isShown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

    // Whether a box on the way up cuts it off where nobody can scroll.
    function isCut(text, owner) {
        for (let box = owner; box && box !== document.documentElement; box = box.parentElement) {
            const { overflowX, overflowY, clipPath } = getComputedStyle(box);
            const edge = box.getBoundingClientRect();
            if (edge.width < 2 || clipPath !== 'none') return false; // for screen readers
            if (['auto', 'scroll'].includes(overflowX)) return false;
            const hides = (overflow) => ['hidden', 'clip'].includes(overflow);
            if (hides(overflowX) && (text.right > edge.right + EDGE || text.left < edge.left - EDGE)) return true;
            if (box === owner && hides(overflowY) && text.bottom > edge.bottom + 3 * EDGE) return true;
        }
        return text.right > innerWidth + EDGE;
    }

    function cutTexts() {
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const found = [];
        while (walker.nextNode()) {
            const owner = walker.currentNode.parentElement;
            const part = owner?.closest(WHOLE);
            if (!part || !walker.currentNode.data.trim() || owner.closest('[title], [inert]') || !isShown(owner)) continue;
            const range = document.createRange();
            range.selectNodeContents(walker.currentNode);
            const text = range.getBoundingClientRect();
            const isAway = text.width < 2 || text.right < 0 || text.bottom + scrollY < 0;
            if (!isAway && isCut(text, owner)) found.push(`${part.localName} "${said(part.textContent)}"`);
        }
        return found;
    }

    function cutFields() {
        const ruler = document.createElement('canvas').getContext('2d');
        return [...document.querySelectorAll(FIELDS)].filter((one) => !one.title && isShown(one)).flatMap((one) => {
            const { font, paddingLeft, paddingRight } = getComputedStyle(one);
            const text = said((one.selectedOptions ? one.selectedOptions[0]?.textContent : one.value || one.placeholder) ?? '');
            ruler.font = font;
            const room = one.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
            return ruler.measureText(text).width > room + EDGE ? [`${one.localName} "${text}"`] : [];
        });
    }

    return [...new Set([...cutTexts(), ...(innerWidth < LEAST ? [] : cutFields())])];
}
