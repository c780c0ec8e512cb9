// Folders that are chosen or dropped: the files in them, and the folders that these are put into.

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

// Makes folders in the portal by their paths, each once, when the first file comes that lies in it.
export class Folders {
  constructor({ address, token, top }) {
    Object.assign(this, { address, token });
    this.made = new Map([["", Promise.resolve(top)]]);
  }

  idOf(path) {
    if (!this.made.has(path)) {
      const made = this.make(path);
      made.catch(() => this.made.delete(path)); // so that it can be tried again
      this.made.set(path, made);
    }
    return this.made.get(path);
  }

  async make(path) {
    const parent = await this.idOf(above(path));
    const name = path.slice(path.lastIndexOf("/") + 1);
    const body = new URLSearchParams({ csrf_token: this.token, name, parent });
    const answer = await fetch(this.address, { method: "POST", body });
    if (!answer.redirected) throw new Error(`The folder ${name} can’t be made.`);
    return new URL(answer.url).pathname.split("/").pop(); // it leads to the new folder
  }
}
