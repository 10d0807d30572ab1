import type { OutageState, Verdict } from "../src/redis/index.ts";

/** An error as a server words it, and what Marrow makes of it. */
export interface RedisError {
  readonly text: string;
  readonly verdict: Verdict;
  readonly state?: OutageState;
}

const notNow = (state: OutageState, ...texts: readonly string[]): RedisError[] =>
  texts.map((text) => ({ text, verdict: "not_now", state }));
const of = (verdict: "refused" | "misused", ...texts: readonly string[]): RedisError[] =>
  texts.map((text) => ({ text, verdict }));

const sha = "4b0ec0dfbbb2d0bfb5d21b6d1f8e0d6c1a3a1b9e";
const inScript6 = (error: string) => `ERR Error running script (call to f_${sha}): @user_script:1: ${error}`;
const inScript5 = (error: string) =>
  `ERR Error running script (call to f_${sha}): @user_script:12: @user_script: 12: ${error}`;
const inScript7 = (error: string) => `${error} script: ${sha}, on @user_script:12.`;
const inFunction7 = (error: string) => `${error} script: my_function, on @user_function:12.`;

/**
 * The errors that Redis 5 to 8 and Valkey 7.2 to 9 word, by the words of their sources (`shared` objects, `rejectCommand`, Lua, ACL, cluster):
 * outside of scripts and within, where servers before 7 wrap them.
 */
export const REDIS_ERRORS: readonly RedisError[] = [
  ...notNow(
    "full",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
    "OOM allow-oom flag is not set on the function, can not run it when used memory > 'maxmemory'",
    inScript5("-OOM command not allowed when used memory > 'maxmemory'."),
    inScript6("-OOM command not allowed when used memory > 'maxmemory'."),
    inScript7("OOM command not allowed when used memory > 'maxmemory'."),
    "EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.",
  ),
  ...notNow(
    "read_only",
    "READONLY You can't write against a read only replica.",
    "READONLY You can't write against a read only slave.",
    "READONLY Can not run script with write flag on readonly replica.",
    inScript5("-READONLY You can't write against a read only replica."),
    inScript6("-READONLY You can't write against a read only replica."),
    inScript7("READONLY You can't write against a read only replica."),
    inFunction7("READONLY You can't write against a read only replica."),
  ),
  ...notNow(
    "no_replicas",
    "NOREPLICAS Not enough good replicas to write.",
    "NOREPLICAS Not enough good slaves to write.",
    inScript6("-NOREPLICAS Not enough good replicas to write."),
    inScript7("NOREPLICAS Not enough good replicas to write."),
  ),
  ...notNow(
    "persistence_failed",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
    "MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Valkey logs for details about the RDB error.",
    "MISCONF Errors writing to the AOF file: No space left on device",
    inScript6("-MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk."),
    inScript7("MISCONF Errors writing to the AOF file: No space left on device"),
  ),
  ...notNow(
    "loading",
    "LOADING Redis is loading the dataset in memory",
    "LOADING Valkey is loading the dataset in memory",
  ),
  ...notNow(
    "busy",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
    "BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "ERR Error running script (call to f_" + sha + "): @user_script:1: Script killed by user with SCRIPT KILL...",
    "ERR Script killed by user with SCRIPT KILL. script: " + sha + ", on @user_script:1.",
    "ERR Function killed by user with FUNCTION KILL. script: my_function, on @user_function:1.",
  ),
  ...notNow(
    "cluster_down",
    "CLUSTERDOWN The cluster is down",
    "CLUSTERDOWN The cluster is down and only accepts read commands",
    "CLUSTERDOWN Hash slot not served",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "MOVED 3999 127.0.0.1:6381",
    "ASK 3999 127.0.0.1:6381",
    "REDIRECT 127.0.0.1:6381",
  ),
  ...notNow(
    "stale",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOMASTERLINK Can't SYNC while not connected with my master",
  ),
  ...notNow(
    "role_changed",
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
  ),
  ...notNow(
    "credentials",
    "NOAUTH Authentication required.",
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
    "WRONGPASS invalid username-password pair or user is disabled.",
  ),
  ...notNow(
    "connections",
    "ERR max number of clients reached",
    "ERR max number of clients + cluster connections reached",
  ),
  ...notNow(
    "rights",
    "NOPERM User marrow has no permissions to run the 'evalsha' command",
    "NOPERM this user has no permissions to run the 'evalsha' command or its subcommand",
    "NOPERM No permissions to access a key",
    "NOPERM No permissions to access a channel",
    inScript7("NOPERM User marrow has no permissions to run the 'set' command"),
    inScript6("-NOPERM this user has no permissions to run the 'set' command"),
    inScript7("ERR ACL failure in script: User marrow has no permissions to run the 'set' command"),
    inScript7("ERR ACL failure in script: No permissions to access a key"),
    inScript6("The user executing the script can't run this command or subcommand"),
    inScript6("The user executing the script can't access at least one of the keys mentioned in the command arguments"),
  ),
  ...of(
    "refused",
    "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user.",
    "ERR unknown command 'VADD', with args beginning with: 'a' 'OOM' 'Connection is closed.' ",
    "ERR unknown command `VADD`, with args beginning with: `a`, ",
    "ERR Unknown Redis command called from script script: " + sha + ", on @user_script:1.",
    inScript6("@user_script: 1: Unknown Redis command called from Lua script"),
  ),
  ...of(
    "misused",
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    inScript7("WRONGTYPE Operation against a key holding the wrong kind of value"),
    inScript6("-WRONGTYPE Operation against a key holding the wrong kind of value"),
    "ERR syntax error",
    "ERR value is not an integer or out of range",
    "ERR wrong number of arguments for 'get' command",
    "ERR Protocol error: invalid bulk length",
    "ERR Error running script (call to f_" + sha + "): @user_script:1: user_script:1: attempt to index a nil value",
    "ERR user_script:1: Script attempted to access nonexistent global variable 'ECONNRESET' script: " +
      sha +
      ", on @user_script:1.",
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
    "ERR DB index is out of range",
    "ERR no such key",
    "CROSSSLOT Keys in request don't hash to the same slot",
    "EXECABORT Transaction discarded because of previous errors.",
    "NOSCRIPT No matching script. Please use EVAL.",
    "NOTBUSY No scripts in execution right now.",
    "UNKILLABLE Sorry the script already executed write commands against the dataset.",
    "BUSYGROUP Consumer Group name already exists",
    "BUSYKEY Target key name already exists.",
    "NOGROUP No such key 'x' or consumer group 'g' in XREADGROUP with GROUP option",
    "NOPROTO unsupported protocol version",
    "INPROG Failover already in progress",
    "NOGOODSLAVE No suitable replica to promote",
    "IOERR error or timeout reading to target instance",
  ),
];
