// Follows a stream with the platform's own EventSource and prints what it is told, a line each:
// "open", then "<kind> <lastEventId> <data>", "closed" when it will not come back. Ends when it is told to (SIGTERM).
const [url, ...kinds] = process.argv.slice(2);
const source = new EventSource(url);
const say = (...words) => process.stdout.write(words.join(" ") + "\n");
source.onopen = () => say("open");
source.onerror = () => source.readyState === EventSource.CLOSED && say("closed");
for (const kind of ["message", "heartbeat", ...kinds]) {
  source.addEventListener(kind, (event) => say(kind, event.lastEventId, event.data));
}
// While it waits to come back nothing else keeps the process up.
setInterval(() => {}, 2 ** 30);
