import { describe, expect, it } from "vitest";
import { createAnswerRoom, type AnswerPlace } from "./answer-room.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Takes room, and tells whether it has it. */
function taken(place: AnswerPlace, bytes: number): { has: boolean } {
  const told = { has: false };
  void place.take(bytes).then(() => (told.has = true));
  return told;
}

describe("the room for long answers", () => {
  it("is given in order, once earlier answers turned out to be smaller or have been sent", async () => {
    const room = createAnswerRoom({ bytesMax: 100 });
    const [first, second, third] = [room.open(), room.open(), room.open()];
    await first.take(60);
    const [two, three] = [taken(second, 50), taken(third, 60)];
    await turn();
    expect([two.has, three.has]).toEqual([false, false]);
    await first.take(40);
    await turn();
    expect([two.has, three.has]).toEqual([true, false]);
    first.close();
    first.close();
    await turn();
    expect([two.has, three.has]).toEqual([true, false]);
    second.close();
    await turn();
    expect(three.has).toBe(true);
  });

  it("is all for an answer that is longer than it, and then for the next one of the same call", async () => {
    const room = createAnswerRoom({ bytesMax: 100 });
    const [long, other] = [room.open(), room.open()];
    await long.take(1_000);
    const waiting = taken(other, 1);
    await turn();
    expect(waiting.has).toBe(false);
    // The first endpoint's answer was none: another one is asked.
    await long.take(10);
    await long.take(90);
    await turn();
    expect(waiting.has).toBe(true);
  });

  it("is all given back by a call whose attempts took it at once", async () => {
    const room = createAnswerRoom({ bytesMax: 100 });
    const [call, other] = [room.open(), room.open()];
    await Promise.all([call.take(40), call.take(50)]);
    call.close();
    await other.take(100);
    const waiting = taken(room.open(), 1);
    other.close();
    await turn();
    expect(waiting.has).toBe(true);
  });

  it("is not kept by a call that ended while it waited", async () => {
    const room = createAnswerRoom({ bytesMax: 100 });
    const [first, left, last] = [room.open(), room.open(), room.open()];
    await first.take(100);
    const waiting = taken(left, 100);
    left.close();
    first.close();
    await turn();
    await last.take(100);
    expect(waiting.has).toBe(true);
  });

  it("is not waited for by a call whose caller gives up, nor by those behind it", async () => {
    const room = createAnswerRoom({ bytesMax: 100 });
    const [first, late, small] = [room.open(), room.open(), room.open()];
    await first.take(60);
    const gone = new AbortController();
    const [waiting, behind] = [late.take(100, gone.signal), taken(small, 30)];
    await turn();
    expect(behind.has).toBe(false);
    gone.abort(new Error("the deadline passed"));
    await expect(waiting).rejects.toThrow("the deadline passed");
    expect(behind.has).toBe(true);
    await expect(room.open().take(1, gone.signal)).rejects.toThrow("the deadline passed");
  });

  it("is given at once to the one answer that is longer than was thought, so that calls never wait for each other", async () => {
    const within = createAnswerRoom({ bytesMax: 100 });
    const rooms = [1, 2].map(() => createAnswerRoom({ bytesMax: 50, within }));
    const places = rooms.flatMap((room) => Array.from({ length: 4 }, () => room.open()));
    await Promise.all(places.map((place) => place.take(10)));
    const told = places.map((place) => taken(place, 40));
    const sent = new Set<number>();
    for (const [nth, place] of places.entries()) {
      await turn();
      expect(told.filter(({ has }) => has).length).toBeGreaterThan(nth);
      // The one that has its room is sent.
      const at = told.findIndex(({ has }, one) => has && !sent.has(one));
      (places[at] ?? place).close();
      sent.add(at);
    }
    await turn();
    const all = within.open();
    await all.take(100);
  });

  it("is taken from clients that read slowly while others wait, those first that have had theirs longest", async () => {
    const room = createAnswerRoom({ bytesMax: 100, readMs: 300 });
    const places = Array.from({ length: 4 }, () => room.open());
    const dropped: number[] = [];
    for (const [nth, place] of places.entries()) {
      await place.take(25);
      place.hand(() => {
        dropped.push(nth);
        place.close();
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(dropped).toEqual([]);
    const next = room.open();
    await next.take(50);
    expect(dropped).toEqual([0, 1]);
    next.hand(() => {
      dropped.push(4);
      next.close();
    });
    // A client that has just begun to read has its time.
    const sinceMs = performance.now();
    await room.open().take(100);
    expect(dropped).toEqual([0, 1, 2, 3, 4]);
    expect(performance.now() - sinceMs).toBeGreaterThan(250);
  });

  it("is given first to answers that the process holds already, such as those that others read", async () => {
    const within = createAnswerRoom({ bytesMax: 100 });
    const room = createAnswerRoom({ bytesMax: 50, within });
    const first = room.open();
    await first.take(50);
    const [unread, held] = [room.open(), room.open({ isHeld: true })];
    const [last, next] = [taken(unread, 50), taken(held, 50)];
    await turn();
    first.close();
    await turn();
    expect([next.has, last.has]).toEqual([true, false]);
    held.close();
    await turn();
    expect(last.has).toBe(true);
  });

  it("of one tenant leaves the rest of a wider one to others", async () => {
    const within = createAnswerRoom({ bytesMax: 100 });
    const [one, other] = [1, 2].map(() => createAnswerRoom({ bytesMax: 50, within }));
    const [first, second, third] = [one?.open(), one?.open(), other?.open()] as AnswerPlace[];
    await first?.take(100);
    const waiting = taken(second as AnswerPlace, 10);
    await third?.take(50);
    await turn();
    expect(waiting.has).toBe(false);
    first?.close();
    await turn();
    expect(waiting.has).toBe(true);
  });
});
