import type { TopicStats } from "../../bus/index.ts";
import type { TopicAnswer } from "./answers-roles.ts";

/** Converts a topic for responses and commands. Pure. */
export function toTopicAnswer(topic: TopicStats): TopicAnswer {
  return {
    object: "topic",
    name: topic.name,
    partitions: topic.partitions,
    size: topic.messages,
    messages_max: topic.messagesMax ?? null,
    bytes: topic.bytes ?? null,
    groups_count: topic.groupsCount,
    dead_letters: topic.deadLetters,
    groups: topic.groups.map(({ group, seenAtMs, lag, readers, deadLetters }) => {
      return { group, seen_at_ms: seenAtMs, lag, readers, dead_letters: deadLetters };
    }),
  };
}
