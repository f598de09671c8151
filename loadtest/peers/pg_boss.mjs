// pg-boss: fetches and completes 500 at a time, which is its fastest way. One argument, JSON: {"url", "jobs"}
import PgBoss from 'pg-boss';
import pg from 'pg';

const options = JSON.parse(process.argv[2]);
const boss = new PgBoss({ connectionString: options.url });
await boss.start();
await boss.createQueue('noop');
for (let first = 0; first < options.jobs; first += 5000) {
  const size = Math.min(5000, options.jobs - first);
  await boss.insert(Array.from({ length: size }, (_, i) => ({ name: 'noop', data: { i: first + i } })));
}
const client = new pg.Client(options.url);
await client.connect();
await client.query('vacuum analyze');

const begun = process.hrtime.bigint();
let done = 0;
async function loop() {
  for (;;) {
    const jobs = await boss.fetch('noop', { batchSize: 500 });
    if (jobs.length === 0) return;
    await boss.complete('noop', jobs.map((job) => job.id));
    done += jobs.length;
  }
}
await Promise.all([loop(), loop()]);
const took = Number(process.hrtime.bigint() - begun) / 1e9;
console.log(JSON.stringify({ jobs: done, seconds: took, per_second: done / took }));
process.exit(0);
