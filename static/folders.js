// Folders that are chosen or dropped: the files in them, and the folders that these are put into.
import { digestOf, forget, remember, remembered } from "./kept.js";
import { STALE, renewToken, token } from "./token.js";

// The files of a choice, each with the path of the folder that it lies in; "" for none.
export function chosenIn(files) {
  return [...files].map((file) => ({ file, folder: above(file.webkitRelativePath) }));
}

// The same of what was dropped. It has to be asked for while it is being dropped, so the entries are
// taken at once and looked through afterwards. A file that is on no disk has none.
export async function droppedIn(dropped) {
  const items = [...dropped.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  return (await Promise.all(entries.map((entry) => filesUnder(entry, "")))).flat();
}

async function filesUnder(entry, folder) {
  if (entry instanceof File) return [{ file: entry, folder }];
  if (entry.isFile) return [{ file: await new Promise((take, fail) => entry.file(take, fail)), folder }];
  const own = folder ? `${folder}/${entry.name}` : entry.name;
  const within = await all(entry.createReader());
  return (await Promise.all(within.map((one) => filesUnder(one, own)))).flat();
}

// A reader gives a hundred at a time, and nothing at the end.
async function all(reader) {
  const found = [];
  for (;;) {
    const some = await new Promise((take, fail) => reader.readEntries(take, fail));
    if (!some.length) return found;
    found.push(...some);
  }
}

function above(path) {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

// What tells one choice of folders from another: only what is chosen again unchanged goes on where it broke off.
export function markOf(files) {
  return digestOf("choice", files.map(({ file, folder }) => [folder, file.name, file.size, file.lastModified]));
}

// Makes folders in the portal by their paths, each once, when the first file comes that lies in it. Those
// of a choice that is not complete are kept in mind, and used again while they are there.
export class Folders {
  constructor({ address, top, asking }) {
    Object.assign(this, { address, top, asking });
    this.made = new Map([["", Promise.resolve(top)]]);
    this.keys = new Set();
  }

  idOf(path, mark) {
    if (!this.made.has(path)) {
      const made = this.findOrMake(path, mark);
      made.catch(() => this.made.delete(path)); // so that it can be tried again
      this.made.set(path, made);
    }
    return this.made.get(path);
  }

  forget() {
    this.keys.forEach(forget);
  }

  async findOrMake(path, mark) {
    const key = await digestOf("folder", [this.top, await mark, path]);
    const known = remembered(key);
    const id = known && (await this.isThere(known)) ? known : await this.make(path, mark);
    this.keys.add(key);
    remember(key, id);
    return id;
  }

  async isThere(id) {
    const asked = new URL(this.asking, location);
    asked.searchParams.set("folder", id);
    return (await fetch(asked, { headers: { Accept: "application/json" } })).ok;
  }

  async make(path, mark) {
    const parent = await this.idOf(above(path), mark);
    const name = path.slice(path.lastIndexOf("/") + 1);
    let answer = await this.post({ name, parent });
    if (answer.status === STALE) {
      await renewToken();
      answer = await this.post({ name, parent });
    }
    if (!answer.redirected) throw new Error(`The folder ${name} can’t be made.`);
    return new URL(answer.url).pathname.split("/").pop(); // it leads to the new folder
  }

  post(fields) {
    return fetch(this.address, { method: "POST", body: new URLSearchParams({ csrf_token: token(), ...fields }) });
  }
}
