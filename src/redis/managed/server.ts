import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { link, mkdir, open, readFile, rename, rm, stat, unlink } from "node:fs/promises";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { MarrowError } from "../../errors.ts";

/** Options of a managed server. */
export interface ManagedServerOptions {
  /** Path of a `redis-server`. */
  readonly binary: string;
  /** Directory of its data, log and lock; created if absent. */
  readonly directory: string;
  /** How often the append-only file is synced; `always` loses no acknowledged write. @default "everysec" */
  readonly sync?: "always" | "everysec" | undefined;
  /** Further arguments of `redis-server`. */
  readonly args?: readonly string[] | undefined;
  /** Longest wait for the first answer, in milliseconds. @default 20_000 */
  readonly startTimeoutMs?: number | undefined;
  /** Called on starts, crashes and hand-overs, for a log. */
  readonly onEvent?: ((event: string) => void) | undefined;
}

/** A server that this process keeps running. */
export interface ManagedServer {
  /** `unix://…`, for `connect()`. */
  readonly url: string;
  /** Returns the server's process id, if this process runs it. */
  readonly pid: () => number | undefined;
  /** Stops it after it has saved its data, if this process runs it. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS_DEFAULT = 20_000;
const LOOK_EVERY_MS = 250;
const STOP_WAIT_MS = 5_000;
const LOCK_WRITE_MS = 5_000;
/** Longest path that a unix socket may have on every system. */
const SOCKET_PATH_MAX = 100;

/**
 * Keeps one Redis running on a private unix socket for all processes that use the same directory. For development and tests, never for
 * production.
 *
 * The first process starts it and holds the directory's lock. The others use it, and one of them takes over when the first exits. The
 * server ends with the process that holds the lock, also on SIGKILL. After a crash it is restarted with its data (AOF).
 *
 * @throws MarrowError `unavailable` if it does not reply in time; its log is in the directory
 */
export async function startServer(options: ManagedServerOptions): Promise<ManagedServer> {
  const directory = resolve(options.directory);
  await mkdir(join(directory, "data"), { recursive: true, mode: 0o700 });
  const socket = socketPath(directory);
  const lock = join(directory, "lock");
  const say = options.onEvent ?? (() => {});
  let child: ChildProcess | undefined;
  let stopping = false;
  let look: Promise<void> | undefined;

  /** Starts the server unless somebody else's is there. One look at a time. */
  async function ensure(): Promise<void> {
    if (stopping || child !== undefined || (await answers(socket)) || !(await takeLock(lock))) return;
    await unlink(socket).catch(() => {});
    const started = launch(options, directory, socket);
    child = started;
    say(`started Redis, process ${started.pid}`);
    started.once("exit", (code, signal) => {
      if (child === started) child = undefined;
      if (!stopping) say(`Redis ended (${signal ?? code}); starting it again`);
    });
    started.once("error", () => (child = undefined));
  }

  const lookAgain = (): Promise<void> => (look ??= ensure().finally(() => (look = undefined)));
  await lookAgain();
  const deadlineMs = performance.now() + (options.startTimeoutMs ?? START_TIMEOUT_MS_DEFAULT);
  while (!(await answers(socket))) {
    if (performance.now() > deadlineMs) {
      stopping = true;
      child?.kill("SIGKILL");
      throw new MarrowError("unavailable", `the managed Redis did not answer; see ${join(directory, "redis.log")}`);
    }
    await pause(20);
    await lookAgain();
  }
  const timer = setInterval(() => void lookAgain(), LOOK_EVERY_MS).unref();

  return {
    url: `unix://${socket}`,
    pid: () => child?.pid,
    async stop() {
      stopping = true;
      clearInterval(timer);
      await look;
      const running = child;
      if (running === undefined) return;
      await end(running);
      await rm(lock, { force: true });
      await unlink(socket).catch(() => {});
    },
  };
}

function launch(
  { binary, sync = "everysec", args = [] }: ManagedServerOptions,
  directory: string,
  socket: string,
): ChildProcess {
  const command = [
    binary,
    "--port",
    "0",
    "--unixsocket",
    socket,
    "--unixsocketperm",
    "700",
    "--dir",
    join(directory, "data"),
    "--logfile",
    join(directory, "redis.log"),
    "--appendonly",
    "yes",
    "--appendfsync",
    sync,
    "--save",
    "",
    "--daemonize",
    "no",
    ...args,
  ];
  return spawnTied(command);
}

/**
 * Starts a program that ends with this process, even after SIGKILL. Linux can send the signal itself (`setpriv`); elsewhere a shell waits
 * for the end of its input.
 */
export function spawnTied(command: readonly string[]): ChildProcess {
  const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => existsSync(path));
  const [program, ...args] =
    setpriv === undefined
      ? [
          "/bin/sh",
          "-c",
          'trap "kill \\$pid; wait \\$pid" TERM; "$@" <&- & pid=$!; cat >/dev/null; kill $pid; wait $pid',
          "sh",
          ...command,
        ]
      : [setpriv, "--pdeathsig", "KILL", ...command];
  const child = spawn(program, args, { stdio: [setpriv === undefined ? "pipe" : "ignore", "ignore", "ignore"] });
  child.unref();
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  child.ref();
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), STOP_WAIT_MS);
  await ended;
  clearTimeout(late);
}

function socketPath(directory: string): string {
  const inside = join(directory, "redis.sock");
  if (Buffer.byteLength(inside) <= SOCKET_PATH_MAX) return inside;
  return join(tmpdir(), `marrow-${createHash("sha256").update(directory).digest("hex").slice(0, 16)}.sock`);
}

/** Checks whether a server replies on the socket; one that is still loading counts. */
function answers(socket: string): Promise<boolean> {
  return new Promise((done) => {
    const connection = dial(socket);
    const finish = (answer: boolean) => {
      connection.destroy();
      done(answer);
    };
    connection.setTimeout(1_000, () => finish(false));
    connection.once("error", () => finish(false));
    connection.once("connect", () => connection.write("PING\r\n"));
    connection.once("data", (reply) => finish(/^\+PONG|^-LOADING/.test(reply.toString("latin1"))));
  });
}

/** Takes the directory's lock: a file that names this process. It is only made if none exists or its owner is gone. */
async function takeLock(lock: string): Promise<boolean> {
  const own = await identityOf(process.pid);
  try {
    const file = await open(lock, "wx", 0o600);
    await file.write(own);
    await file.close();
    return true;
  } catch {
    const owner = await readFile(lock, "utf8").catch(() => "");
    if (owner === own) return true;
    if (owner === "" ? !(await isOld(lock)) : await isAlive(owner)) return false;
    await breakLock(lock, owner);
    return false;
  }
}

/** Takes a dead owner's lock away. It is moved aside first and looked at again: another process may have taken it meanwhile. */
async function breakLock(lock: string, owner: string): Promise<void> {
  const aside = `${lock}.${process.pid}`;
  try {
    await rename(lock, aside);
    if ((await readFile(aside, "utf8")) !== owner) await link(aside, lock);
  } catch {
    // Another process was faster; the next check finds it.
  } finally {
    await rm(aside, { force: true });
  }
}

/** Identifies a process by its id and, where the system provides it, its start time: ids are reused, in containers at every start. */
async function identityOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const began = line.slice(line.lastIndexOf(")") + 2).split(" ")[19];
  return `${pid} ${began ?? ""}`.trim();
}

async function isAlive(identity: string): Promise<boolean> {
  const pid = Number.parseInt(identity, 10);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return (await identityOf(pid)) === identity;
}

/** An empty lock file is being written or its writer died; its age shows which. */
async function isOld(lock: string): Promise<boolean> {
  const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs > LOCK_WRITE_MS;
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
