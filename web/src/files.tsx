import { useGraphiQL } from "@graphiql/react";
import { parse, type DocumentNode } from "graphql";
import { useEffect, useRef, useState } from "react";
import { chosenOperation, matches, places, uploadPaths } from "./paths";
import type { FileShelf, ShelvedFile } from "./shelf";
import { useStore } from "./store";

const UNITS = ["B", "kB", "MB", "GB"] as const;
const NOT_SENT = "";

/** Where the operation in the editor takes a file; read from the editor at each call, so that it is never stale. */
interface Offer {
  patterns: () => readonly string[];
  places: () => readonly string[];
}

export function FilesPanel({ shelf }: { shelf: FileShelf }) {
  const shelved = useStore(shelf);
  const offer = useOffer(shelf);
  const patterns = offer.patterns();
  const add = (files: Iterable<File>) => {
    shelf.add(files, offer.places);
  };
  const dropping = useFileDrop(add);
  useEffect(() => {
    shelf.bindWaiting(offer.places);
  }, [patterns.join(" "), shelf]);

  if (shelved.length === 0 && patterns.length === 0 && !dropping) return null;
  return (
    <section className={dropping ? "regen-files is-dropping" : "regen-files"} aria-label="Files">
      <h2>Files</h2>
      <ul>
        {shelved.map((item) => (
          <FileCard key={item.id} item={item} offer={offer} shelf={shelf} />
        ))}
      </ul>
      <FileChooser onFiles={add} />
    </section>
  );
}

function useOffer(shelf: FileShelf): Offer {
  const { schema, name, queryEditor, variableEditor } = useGraphiQL((state) => ({
    schema: state.schema,
    name: state.operationName,
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
    document: state.documentAST, // renders again when the query changed
  }));
  const lastWhole = useRef<DocumentNode | null>(null);
  const patterns = () => {
    lastWhole.current = parsedQuery(queryEditor?.getValue()) ?? lastWhole.current;
    const operation = lastWhole.current && chosenOperation(lastWhole.current, name);
    return operation && schema ? uploadPaths(operation, schema) : [];
  };
  return {
    patterns,
    places: () => patterns().flatMap((each) => places(each, parsedJson(variableEditor?.getValue()), shelf.taken)),
  };
}

function parsedQuery(text = ""): DocumentNode | null {
  try {
    return parse(text, { noLocation: true });
  } catch {
    return null; // half-written: the panel stays as it was
  }
}

function parsedJson(text = ""): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // half-written variables only mean that a list's length is unknown
  }
}

function FileChooser({ onFiles }: { onFiles: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" className="regen-button is-main" onClick={() => input.current?.click()}>
        Choose files
      </button>
      <span className="regen-quiet">or drop them anywhere</span>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Choose files"
        onChange={({ target }) => {
          onFiles([...(target.files ?? [])]);
          target.value = "";
        }}
      />
    </>
  );
}

function FileCard({ item, offer, shelf }: { item: ShelvedFile; offer: Offer; shelf: FileShelf }) {
  const { id, file, path } = item;
  const isSent = typeof path === "string" && offer.patterns().some((pattern) => matches(path, pattern));
  const choices = new Set([...offer.places(), ...(isSent ? [path] : [])]);
  return (
    <li className="regen-file" data-sent={isSent}>
      <Preview file={file} />
      <span className="regen-file-name">
        <b title={file.name}>{file.name}</b>
        <small>{sizeOf(file)}</small>
      </span>
      <select
        aria-label={`Variable for ${file.name}`}
        value={isSent ? path : NOT_SENT}
        onChange={({ target }) => {
          shelf.bind(id, target.value || null);
        }}
      >
        {[...choices].map((place) => (
          <option key={place}>{place}</option>
        ))}
        <option value={NOT_SENT}>{choices.size ? "not sent" : "not sent here"}</option>
      </select>
      <button
        type="button"
        className="regen-remove"
        aria-label={`Remove ${file.name}`}
        onClick={() => {
          shelf.remove(id);
        }}
      >
        ×
      </button>
    </li>
  );
}

function Preview({ file }: { file: File }) {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    if (!file.type.startsWith("image/")) return undefined;
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => {
      URL.revokeObjectURL(made);
    };
  }, [file]);
  if (!address) return <span className="regen-preview">{file.name.split(".").at(-1)?.slice(0, 4)}</span>;
  return (
    <img
      className="regen-preview"
      src={address}
      alt=""
      onError={() => {
        setAddress(null); // a type that this browser can't show, such as HEIC
      }}
    />
  );
}

/** Takes files that are dropped anywhere on the page; true while some hover over it. */
function useFileDrop(onFiles: (files: File[]) => void): boolean {
  const [hovering, setHovering] = useState(false);
  const handler = useRef(onFiles);
  handler.current = onFiles;
  useEffect(() => {
    const controller = new AbortController();
    const options = { capture: true, signal: controller.signal };
    const listen = (type: "dragover" | "drop" | "dragleave", act: (event: DragEvent) => void) => {
      const actOnFiles = (event: DragEvent) => {
        if (event.dataTransfer?.types.includes("Files")) act(event);
      };
      window.addEventListener(type, actOnFiles, options);
    };
    listen("dragover", (event) => {
      event.preventDefault();
      setHovering(true);
    });
    listen("dragleave", (event) => {
      if (event.relatedTarget === null) setHovering(false);
    });
    listen("drop", (event) => {
      event.preventDefault();
      event.stopPropagation(); // the editor would paste the file's name
      setHovering(false);
      handler.current([...(event.dataTransfer?.files ?? [])]);
    });
    return () => {
      controller.abort();
    };
  }, []);
  return hovering;
}

function sizeOf({ size }: File): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(size, 1)) / 3), UNITS.length - 1);
  return `${(size / 1000 ** power).toFixed(power === 0 || size / 1000 ** power >= 100 ? 0 : 1)} ${UNITS[power]}`;
}
