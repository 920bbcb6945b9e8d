import { objectsIn, type Answer } from "./answers";
import { Store, useStore } from "./store";

const MEDIA = "/media/";

/** The addresses of this server's pictures in an answer, in their order, each once. */
export function pictureAddresses(answer: Answer, page: URL): string[] {
  const found = new Set<string>();
  for (const { url } of objectsIn(answer.data)) {
    if (typeof url !== "string" || !URL.canParse(url, page)) continue;
    const address = new URL(url, page);
    if (address.host === page.host && address.pathname.startsWith(MEDIA)) found.add(address.href);
  }
  return [...found];
}

export function PictureStrip({ pictures }: { pictures: Store<readonly string[]> }) {
  const addresses = useStore(pictures);
  if (addresses.length === 0) return null;
  return (
    <section className="regen-pictures" aria-label="Pictures of the answer">
      <h2>
        Pictures <small>{addresses.length}</small>
      </h2>
      <ul>
        {addresses.map((address) => (
          <li key={address}>
            <a href={address} target="_blank" rel="noopener noreferrer" title="Open the picture">
              <img src={address} alt={new URL(address).pathname.split("/").at(-1) ?? "picture"} />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
