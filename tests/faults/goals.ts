/** What the tests shall go through before a release, in numbers. */

export type GoalId = `N${number}`;

/** So many of something; the test notes them under this name. */
export interface Asked {
  readonly unit: string;
  readonly count: number;
}

export interface Goal {
  readonly id: GoalId;
  readonly about: string;
  readonly asked: readonly Asked[];
  /** What no test goes through yet, and why. */
  readonly lacking?: string;
}

/** In the order in which they are told. */
export const GOALS: readonly Goal[] = [
  {
    id: "N1",
    about: "plans for three trees that overlap lose nothing and settle",
    asked: [{ unit: "reconciles", count: 1_000_000 }],
    lacking: "file systems that fold case are left to unit tests",
  },
  {
    id: "N2",
    about: "clients, a hub, and whatever may go wrong, in one process",
    asked: [{ unit: "schedules", count: 50_000 }],
  },
  {
    id: "N3",
    about: "the same with processes, disks and connections",
    asked: [{ unit: "live schedules", count: 300 }],
  },
  {
    id: "N4",
    about: "kill -9 before each change, and at any moment",
    asked: [{ unit: "kills", count: 2_000 }],
  },
  {
    id: "N5",
    about: "frames that nobody has thought of, at the decoders",
    asked: [{ unit: "frames", count: 5_000_000 }],
  },
  {
    id: "N6",
    about: "such frames at processes, before and after the handshake",
    asked: [{ unit: "live frames", count: 100_000 }],
  },
  {
    id: "N7",
    about: "paths, against a resolver of somebody else",
    asked: [{ unit: "paths", count: 1_346_200 }],
  },
  {
    id: "N8",
    about: "links that take the place of directories meanwhile",
    asked: [{ unit: "seconds of each race", count: 60 }],
    lacking: "seen from outside; there is one swapper for each race",
  },
  {
    id: "N9",
    about: "saves at the very moment when a file is replaced",
    asked: [{ unit: "transitions with saves", count: 10_000 }],
  },
  {
    id: "N10",
    about: "roots that are gone, emptied, swapped or can't be listed",
    asked: [
      { unit: "lost roots", count: 10_000 },
      { unit: "lost roots on disk", count: 100 },
    ],
  },
  {
    id: "N11",
    about: "storms of edits while a watch goes on",
    asked: [{ unit: "storms", count: 200 }],
  },
  {
    id: "N12",
    about: "connections that break or fall silent, and come back",
    asked: [{ unit: "cuts", count: 100 }],
  },
  {
    id: "N13",
    about: "readers of a hub that never read",
    asked: [{ unit: "stuck readers at once", count: 200 }],
  },
  {
    id: "N14",
    about: "bombs in compressed payloads",
    asked: [{ unit: "bombs", count: 50 }],
  },
  {
    id: "N15",
    about: "a disk that fails one call, each call in turn",
    asked: [{ unit: "failed calls", count: 2_000 }],
  },
  {
    id: "N16",
    about: "wrong bits in what is kept: packs, databases, staged parts",
    asked: [{ unit: "damages", count: 10_000 }],
  },
  {
    id: "N17",
    about: "wrong tokens, of which none is taken",
    asked: [{ unit: "wrong tokens", count: 10_000 }],
    lacking:
      "the time of a refusal is not measured: digests are compared in constant time",
  },
  {
    id: "N18",
    about: "one large tree",
    asked: [{ unit: "files at once", count: 1_000_000 }],
  },
  {
    id: "N19",
    about: "guards that are taken out, which a test has to notice",
    asked: [
      { unit: "mutants", count: 150 },
      { unit: "percent caught", count: 95 },
    ],
  },
  {
    id: "N20",
    about: "two clients and a hub that go on and on, and are killed",
    asked: [{ unit: "minutes", count: 30 }],
  },
];
