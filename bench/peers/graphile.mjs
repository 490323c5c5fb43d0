// graphile-worker: local queue and batched completion, as its performance page advises.
import { Logger, run } from "graphile-worker";
import { deliver, obey, options, say } from "./common.mjs";

const { settings } = options;
await run({
    connectionString: options.dsn,
    noHandleSignals: true,
    taskList: { deliver },
    logger: new Logger(() => () => {}),
    preset: {
        worker: {
            concurrentJobs: settings.concurrentJobs,
            maxPoolSize: settings.maxPoolSize,
            ...(settings.localQueueSize > 0 && { localQueue: { size: settings.localQueueSize } }),
            completeJobBatchDelay: settings.completeJobBatchDelay,
        },
    },
});
obey({});
say("ready");
