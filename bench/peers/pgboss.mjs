// pg-boss: batches, a partition of its own for the queue, woken by NOTIFY, fetching on while batches are full.
import pg from "pg";
import { PgBoss } from "pg-boss";
import { deliver, obey, options, say } from "./common.mjs";

const { settings } = options;
const boss = new PgBoss({ connectionString: options.dsn, useListenNotify: true, max: settings.poolSize });
boss.on("error", (error) => say("error", { message: String(error) }));
await boss.start();
if (!(await boss.getQueue("deliver"))) {
    await boss.createQueue("deliver", { partition: true, notify: true });
}
await boss.work(
    "deliver",
    { batchSize: settings.batchSize, localConcurrency: settings.localConcurrency, burstWhenBatchFull: true },
    async (jobs) => {
        await Promise.all(jobs.map((job) => deliver(job.data)));
    },
);

// the harness holds the fill in an open transaction, so that its commit is the start signal
const producer = new pg.Client(options.dsn);
await producer.connect();
const db = { executeSql: (text, values) => producer.query(text, values) };
obey({
    async fill(count) {
        await producer.query("begin");
        for (let sent = 0; sent < count; sent += 1000) {
            const size = Math.min(1000, count - sent);
            const jobs = Array.from({ length: size }, (_, i) => ({
                data: { id: `${sent + i}`.padStart(5, "0"), pad: "x".repeat(options.pad) },
            }));
            await boss.insert("deliver", jobs, { db });
        }
        await producer.query("analyze pgboss.job");
    },
    async commit() {
        await producer.query("commit");
    },
});
say("ready");
