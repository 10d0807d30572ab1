import type { JSX } from "preact";
import type { HealthAnswer, ServerAnswer } from "../../gateway/admin/answers.ts";
import { bytes } from "../format.ts";
import { useAsked } from "../hooks.ts";
import { Badge, Card, Empty, Failure, Moment, Table } from "../parts.tsx";
import type { PageProps } from "./page.ts";

/** Results of `marrow doctor`, and the current configuration. */
export function Health(_: PageProps): JSX.Element {
  const { data, error } = useAsked<HealthAnswer>("/health", 15_000);
  return (
    <>
      <Failure error={error} />
      {data?.servers.map((server) => (
        <Server key={server.name} {...server} />
      ))}
      <Card title="Configuration in force" aside={<span class="hint">secrets are masked</span>}>
        {data !== undefined && (
          <pre role="region" aria-label="Configuration" tabIndex={0}>
            {JSON.stringify(data.config, undefined, 2)}
          </pre>
        )}
      </Card>
    </>
  );
}

function Server(server: ServerAnswer): JSX.Element {
  if (server.state === "away")
    return (
      <Card title={server.name} aside={<Badge tone="bad">away</Badge>}>
        <Empty title="It does not answer">{server.code}</Empty>
      </Card>
    );
  const { name, facts, warnings, size, slow } = server;
  return (
    <Card
      title={name}
      aside={
        <Badge tone={warnings.length > 0 ? "warn" : "good"}>
          {warnings.length > 0 ? `${warnings.length} warnings` : "well"}
        </Badge>
      }
    >
      {warnings.length > 0 && (
        <ul class="warnings">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <dl class="facts">
        {Object.entries(facts).map(([what, value]) => (
          <div key={what} class="fact">
            <dt>{what}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <h3>Size</h3>
      {size === undefined ? (
        <p class="hint">This user of Redis may not ask for it.</p>
      ) : (
        <p>
          {bytes(size.used_bytes)} in use. A server for it, with a quarter of headroom, has {bytes(size.server_bytes)};
          with one replica that is {bytes(size.total_bytes)}.{" "}
          {size.fits.length > 0 && <span class="hint">Large enough: {size.fits.join(", ")}.</span>}
        </p>
      )}
      <h3>Slow log</h3>
      {slow === undefined || slow.length === 0 ? (
        <p class="hint">{slow === undefined ? "This user of Redis may not read it." : "It is empty."}</p>
      ) : (
        <Table
          label={`Slowest commands of ${name}`}
          rows={slow}
          keyOf={({ command, at_ms: atMs, ms }) => `${command} ${atMs} ${ms}`}
          columns={[
            { name: "Command", cell: ({ command }) => <code>{command}</code> },
            { name: "Took", isNumber: true, cell: ({ ms }) => `${ms.toFixed(1)} ms` },
            { name: "When", cell: ({ at_ms: atMs }) => <Moment atMs={atMs} /> },
          ]}
        />
      )}
    </Card>
  );
}
