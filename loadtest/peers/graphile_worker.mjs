// graphile-worker under the comparison's workloads. One argument, JSON:
//   {"url", "task": "migrate" | "drain" | "serve", "jobs", "mode": "fastest" | "default"}
// migrate  installs its schema
// drain    inserts `jobs` jobs, analyzes, then times its workers until its table is empty
// serve    prints "ready", records how late each `probe` job is entered, until stdin closes
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const options = JSON.parse(process.argv[2]);
const concurrency = 24;
const worker =
  options.mode === 'default'
    ? { connectionString: options.url, concurrentJobs: concurrency, maxPoolSize: concurrency + 1 }
    : {
        connectionString: options.url,
        concurrentJobs: concurrency,
        maxPoolSize: 10,
        localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      };
const base = { preset: { worker }, logger: new Logger(() => () => {}), noHandleSignals: true };
const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9;

async function migrate() {
  const utils = await makeWorkerUtils({ connectionString: options.url });
  await utils.migrate();
  await utils.release();
}

async function drain() {
  await migrate();
  const client = new pg.Client(options.url);
  await client.connect();
  await client.query(
    `do $$ begin
       perform graphile_worker.add_jobs(array(
         select row('noop', json_build_object('i', i), null, null, null, null, null, null)::graphile_worker.job_spec
         from generate_series(first, first + 9999) i where i <= ${Number(options.jobs)}))
       from generate_series(1, ${Number(options.jobs)}, 10000) first;
     end $$`,
  );
  await client.query('vacuum analyze');
  let done = 0;
  let all;
  const finished = new Promise((resolve) => (all = resolve));
  const begun = process.hrtime.bigint();
  const runner = await run({
    ...base,
    taskList: {
      noop: () => {
        if (++done === options.jobs) all();
      },
    },
  });
  await finished;
  for (;;) {
    const { rows } = await client.query('select exists (select from graphile_worker._private_jobs) as left');
    if (!rows[0].left) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const took = seconds(begun);
  await runner.stop();
  await client.end();
  return { jobs: options.jobs, seconds: took, per_second: options.jobs / took };
}

async function serve() {
  const late_us = [];
  const runner = await run({
    ...base,
    taskList: {
      probe: (payload) => {
        late_us.push(Number(process.hrtime.bigint() - BigInt(payload.sent)) / 1e3);
      },
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  console.log('ready');
  await new Promise((resolve) => process.stdin.on('end', resolve).resume());
  await runner.stop();
  return { late_us };
}

const answer = await { migrate, drain, serve }[options.task]();
console.log(JSON.stringify(answer ?? {}));
process.exit(0);
