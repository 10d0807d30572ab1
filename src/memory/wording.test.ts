import { expect, it } from "vitest";
import { factId } from "./fact.ts";
import { sameWording } from "./wording.ts";

/** Statements of which the second is another one, though its words are near. */
const OPPOSED: readonly (readonly [string, string])[] = [
  ["Convert euros to dollars for me", "Convert dollars to euros for me"],
  ["Ada prefers tea over coffee", "Ada prefers coffee over tea"],
  ["Ada is taller than Bob", "Bob is taller than Ada"],
  ["Take the pill before meals", "Take the pill after meals"],
  ["The alarm is at 7 am", "The alarm is at 7 pm"],
  ["The train goes from Oslo to Bergen", "The train goes from Bergen to Oslo"],
  ["Keep it above the limit", "Keep it below the limit"],
  ["Encrypt the file, then upload it", "Upload the file, then encrypt it"],
  ["Call him if it rains", "Call him unless it rains"],
  ["She has few friends", "She has a few friends"],
  ["The red wire goes to the left terminal", "The left wire goes to the red terminal"],
  ["The balance is -5 euros", "The balance is 5 euros"],
  ["between 5 and 10, not 20", "between 10 and 20, not 5"],
  ["The shelf is 5' wide", 'The shelf is 5" wide'],
  ["The line has 100 Mb", "The line has 100 MB"],
  ["She likes Turkey", "She likes turkey"],
  ["US law applies", "us law applies"],
  ["The file is written in C", "The file is written in C++"],
  ["x = y", "x ≠ y"],
  ["I like it 👍", "I like it 👎"],
  ["She lives in Oslo?", "She lives in Oslo."],
  ["Anna mag Tee lieber als Kaffee", "Anna mag Kaffee lieber als Tee"],
  ["她喜欢茶胜过咖啡", "她喜欢咖啡胜过茶"],
];

it.each(OPPOSED)("%j and %j are two facts", (a, b) => {
  expect([sameWording(a, b), sameWording(b, a)]).toEqual([false, false]);
  expect(factId("semantic", a)).not.toBe(factId("semantic", b));
});

it.each([
  ["Ada lives in Oslo.", "  ada lives  in Oslo"],
  ['She said "yes"', "She said yes!"],
  ["She doesn't eat meat", "She does not eat meat"],
  ["I can’t swim", "I cannot swim"],
  ["Ada likes tea a lot", "Ada likes tea very much"],
])("%j and %j are one fact", (a, b) => {
  expect([sameWording(a, b), sameWording(b, a)]).toEqual([true, true]);
});
