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
  ["likes tea", "does not like tea"],
  ["likes tea", "doesn't like tea"],
  ["lives in Rome", "in Rome lives"],
  ["5 * (2 + 3)", "5 * 2 + 3"],
  ["not (A and B)", "(not A) and B"],
  ["The balance is (5)", "The balance is 5"],
  ["The answer is 5!", "The answer is 5"],
  ["It computes n!", "It computes n"],
  ["The point is A'", "The point is A"],
  ["The dogs' bowl is red", "The dogs bowl is red"],
  ["Execute, not pardon", "Execute not, pardon"],
  ["Казнить, нельзя помиловать", "Казнить нельзя, помиловать"],
  ["No, viene mañana", "No viene mañana"],
  ["Er will, sie nicht", "Er will sie nicht"],
  ["He likes cooking, dogs and cats", "He likes cooking dogs and cats"],
  ["She left. He not", "She left he not"],
  ["You can not pay", "You cannot pay"],
  ["She is 1.5 m tall", "She is 15 m tall"],
  ["It costs 1,000", "It costs 1.000"],
  ["I like it :)", "I like it :("],
  ["Elle ne boit pas", "Elle boit"],
  ["He is fine?", "He is fine!"],
  ["...", '"'],
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
  ["I can’t swim!", "i cannot swim."],
  ["You’ll pay, they won't", "you will pay, they will not"],
  ["  Her name is “Ada”.", 'Her name is "Ada"'],
  ["Er wohnt in Köln", "Er wohnt in Ko\u0308ln"],
])("%j and %j are one fact", (a, b) => {
  expect([sameWording(a, b), sameWording(b, a)]).toEqual([true, true]);
});
