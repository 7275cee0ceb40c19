// What one label says about others, as services/catalogue/hierarchy.py has it: never stored, only shown.

// `parents`: all ancestors of a category by its id. `labels`: what people said, by category id.
export function implications(parents, labels) {
  const above = new Map();
  const below = new Map();
  const contradictions = [];
  for (const [child, ancestors] of parents) {
    for (const ancestor of ancestors) {
      const isHere = labels.get(child)?.state === 'present';
      const isGone = labels.get(ancestor)?.state === 'absent';
      if (isHere && isGone) contradictions.push([child, ancestor]);
      if (isHere && !labels.has(ancestor) && !above.has(ancestor)) above.set(ancestor, { state: 'present', because: child });
      if (isGone && !labels.has(child) && !below.has(child)) below.set(child, { state: 'absent', because: ancestor });
    }
  }
  const implied = new Map([...above, ...below].filter(([id]) => !(above.has(id) && below.has(id))));
  return { implied, contradictions };
}
