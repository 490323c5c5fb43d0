// What the Node.js peers share: settings, the HTTP client, and the line protocol with the harness.
import { createInterface } from "node:readline";
import { Pool } from "undici";

// one JSON argument: { dsn, url, settings }
export const options = JSON.parse(process.argv[2]);

// undici's Pool is the fastest keep-alive client of the ecosystem; pipelining off, as for any real receiver
const origin = new URL(options.url);
const http = new Pool(origin.origin, { connections: options.settings.connections, pipelining: 1 });

export async function deliver(payload) {
    const { statusCode, body } = await http.request({
        path: origin.pathname,
        method: "POST",
        headers: { "content-type": "application/json", "x-request-id": payload.id },
        body: JSON.stringify(payload),
    });
    await body.dump();
    if (statusCode !== 200) {
        throw new Error(`status ${statusCode}`);
    }
}

export function say(event, fields = {}) {
    process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

// each line in is a command word, maybe with a number; its end of life is the end of ours
export function obey(commands) {
    const lines = createInterface({ input: process.stdin });
    lines.on("line", async (line) => {
        const [word, argument] = line.split(" ");
        try {
            await commands[word](Number(argument));
            say(word);
        } catch (error) {
            say("error", { message: String(error) });
            process.exit(1);
        }
    });
    lines.on("close", () => process.exit(0));
}
