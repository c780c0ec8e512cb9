// Uploads by tus-js-client. Standard input is one JSON object: where to, with which headers, and the
// files, each with its text, how often that is repeated, and what the client is to do with it. Each
// event is a line of JSON on standard output.

import { text } from "node:stream/consumers";
import * as tus from "tus-js-client";

const order = JSON.parse(await text(process.stdin));

function tell(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function send(file) {
  const content = Buffer.from(file.text.repeat(file.times));
  return new Promise((resolve) => {
    let isAborted = false;
    const upload = new tus.Upload(content, {
      endpoint: order.endpoint,
      headers: order.headers,
      metadata: { filename: file.name, filetype: "text/html", ...file.metadata },
      chunkSize: file.chunkSize ?? Infinity,
      uploadUrl: file.url ?? null,
      retryDelays: Array(240).fill(250),
      storeFingerprintForResuming: false,
      onError(error) {
        tell({ name: file.name, error: error.message, status: error.originalResponse?.getStatus() });
        resolve();
      },
      onSuccess() {
        tell({ name: file.name, url: upload.url, success: true });
        resolve();
      },
      async onChunkComplete(_size, accepted) {
        if (file.abortAfter && accepted >= file.abortAfter && !isAborted) {
          isAborted = true;
          await upload.abort(file.terminate ?? false);
          tell({ name: file.name, url: upload.url, aborted: accepted });
          resolve();
        }
      },
    });
    upload.start();
  });
}

await Promise.all(order.files.map(send));
