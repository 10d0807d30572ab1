/** All of something: "at all" and "after all" say nothing of the kind. */
const WHOLE = /\b(?:(?<!\b(?:at|after) )all|every|each)\b/i;
/** Part of something, or whatever of it there is. */
const PART = /\b(?:some|any|few|several)\b/i;

/** Whether one sentence is about all of something where the other is about some of it: "list all orders" is not "list some orders". Symmetric. */
export function amountsDiffer(a: string, b: string): boolean {
  return (isWhole(a) && isPart(b)) || (isPart(a) && isWhole(b));
}

function isWhole(text: string): boolean {
  return WHOLE.test(text) && !PART.test(text);
}

function isPart(text: string): boolean {
  return PART.test(text) && !WHOLE.test(text);
}
