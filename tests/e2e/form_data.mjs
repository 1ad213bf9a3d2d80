// Posts a form as a browser does, and prints the answer's status and body as JSON.
// A line of input is one part: {"name", "text"} or {"name", "filename", "type", "base64"}.
import { createInterface } from "node:readline";

const [url, authorization] = process.argv.slice(2);
const form = new FormData();
for await (const line of createInterface({ input: process.stdin })) {
  const part = JSON.parse(line);
  if (part.base64 === undefined) {
    form.append(part.name, part.text);
  } else {
    const blob = new Blob([Buffer.from(part.base64, "base64")], { type: part.type });
    form.append(part.name, blob, part.filename);
  }
}
const headers = authorization ? { authorization } : {};
const answer = await fetch(url, { method: "POST", headers, body: form });
process.stdout.write(JSON.stringify({ status: answer.status, body: await answer.text() }));
