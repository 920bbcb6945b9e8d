import { createRoot } from "react-dom/client";
import { Explorer } from "./explorer";
import { createFetcher } from "./fetcher";
import { pictureAddresses } from "./pictures";
import { SessionKeeper } from "./session";
import { FileShelf } from "./shelf";
import { Store } from "./store";
import { provideWorkers } from "./workers";
import type { GraphQLSchema } from "graphql";
import "graphiql/style.css";
import "./style.css";

const url = new URL(location.pathname, location.origin);
const session = new SessionKeeper(sessionStorage);
const shelf = new FileShelf();
const pictures = new Store<readonly string[]>([]);
const schema = new Store<GraphQLSchema | null>(null);

const fetcher = createFetcher({
  url,
  session,
  files: shelf,
  schema: () => schema.value,
  onAnswer: (answer) => {
    session.watch(answer);
    pictures.set(pictureAddresses(answer, url));
  },
});

provideWorkers();
const root = document.getElementById("explorer");
if (root) createRoot(root).render(<Explorer parts={{ fetcher, session, shelf, pictures, schema }} />);
