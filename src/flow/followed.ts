/** A follower's share of the recording of its flight. */
export interface FollowedShare {
  /** Reports growth. Ignored after the recording was shed. */
  add(bytes: number): void;
  /** Ends it, and the recording with the last one. May be called any number of times. */
  close(this: void): void;
}

/** Joins the recording of a flight; `shed` is called if it is dropped. */
export type Follow = (flight: object, shed: () => void) => FollowedShare;

/** The recording that the followers of one flight share. */
interface Followed {
  readonly share: FollowedShare;
  /** What to do for each follower if the recording is shed. */
  readonly sheds: Set<() => void>;
  /** What the foremost follower has read, in bytes. */
  bytes: number;
}

/** Makes `follow` of recordings, whose shares `open` begins: the text of a flight is the same object for all its followers, and counts once. */
export function createFollowed(open: (shed: () => void) => FollowedShare): Follow {
  const flights = new WeakMap<object, Followed>();

  function begin(flight: object): Followed {
    const sheds = new Set<() => void>();
    const share = open(() => {
      flights.delete(flight);
      for (const shed of sheds) shed();
    });
    const followed: Followed = { share, sheds, bytes: 0 };
    flights.set(flight, followed);
    return followed;
  }

  return (flight, shed) => {
    const followed = flights.get(flight) ?? begin(flight);
    const { share, sheds } = followed;
    /** A function of its own: two followers may give the same one. */
    const shedOwn = () => shed();
    let read = 0;
    sheds.add(shedOwn);
    return {
      add(bytes) {
        read += bytes;
        if (read <= followed.bytes) return;
        const more = read - followed.bytes;
        followed.bytes = read;
        share.add(more);
      },
      close() {
        sheds.delete(shedOwn);
        if (sheds.size > 0) return;
        share.close();
        if (flights.get(flight) === followed) flights.delete(flight);
      },
    };
  };
}
