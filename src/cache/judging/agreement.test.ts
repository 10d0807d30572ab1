import { describe, expect, it } from "vitest";
import { findAgreement, type Neighbour } from "./agreement.ts";

const WORDINGS = [
  "freeze my card now",
  "lock my bank card",
  "how do i block the card",
  "i lost my card, block it",
  "please lock the lost card",
  "stop my bank card",
  "freeze the card i lost",
  "can you block my card",
];
const near = (change: (at: number) => Partial<Neighbour> = () => ({})): Neighbour[] =>
  WORDINGS.map((wording, at) => ({
    id: "a".repeat(16),
    similarity: 0.8,
    refusal: "words",
    wording,
    value: "Done.",
    ...change(at),
  }));

describe("wordings that were judged the same", () => {
  it("serve a question of their words, though none proves it", () => {
    expect(findAgreement("lock the bank card i lost", near(), 8)).toMatchObject({ id: "a".repeat(16), value: "Done." });
    expect(
      findAgreement(
        "lock the bank card i lost",
        near((at) => ({ id: `${at}` })),
        8,
      ),
    ).toBeDefined();
  });

  it.each([
    ["a word that none of them has", "lock the bank account i lost", near()],
    ["without a word that all of them have", "freeze my bank now", near()],
    ["of no words", "what is it", near()],
    ["that is negated", "do not lock my card", near()],
    ["another answer among them", "lock my card", near((at) => (at === 7 ? { id: "b", value: "No." } : {}))],
    ["a conflict of numbers", "lock my card", near((at) => (at === 6 ? { refusal: "number" } : {}))],
    ["a conflict of roles", "lock my card", near((at) => (at === 6 ? { refusal: "roles" } : {}))],
    ["an entry that ended among them", "lock my card", near((at) => (at === 6 ? { refusal: "invalidated" } : {}))],
    ["one that is far", "lock my card", near((at) => (at === 7 ? { similarity: 0.59 } : {}))],
    ["too few of them", "lock my card", near().slice(1)],
    ["nobody near", "lock my card", []],
  ])("serve no question with %s", (_, asked, those) => {
    expect(findAgreement(asked, those, 8)).toBeUndefined();
  });

  it("serve nothing where that is switched off", () => {
    expect(findAgreement("lock my card", near(), 0)).toBeUndefined();
  });

  const FLIGHTS = [
    "flights from boston to denver",
    "show me flights from boston to denver",
    "list the flights from boston to denver please",
    "i want flights from boston to denver",
    "flights to denver from boston",
    "what flights go from boston to denver",
    "find flights leaving from boston going to denver",
    "are there flights from boston to denver",
  ];
  const flights = FLIGHTS.map((wording) => ({
    id: "f",
    similarity: 0.9,
    refusal: "words" as const,
    wording,
    value: 1,
  }));
  it.each([
    ["what flights leave from denver to boston", false],
    ["list flights going to boston from denver", false],
    ["denver boston flights", false],
    ["flights from boston to dallas", false],
    ["flights from boston", false],
    ["flights between boston and denver", false],
    ["cheap flights from boston to denver", false],
    ["what flights go to denver from boston please", true],
  ])("keep to order and direction: %s", (asked, served) => {
    expect(findAgreement(asked, flights, 8) !== undefined).toBe(served);
  });
});
