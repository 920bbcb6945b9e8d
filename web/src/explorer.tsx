import { DOC_EXPLORER_PLUGIN, DocExplorerStore } from "@graphiql/plugin-doc-explorer";
import { HISTORY_PLUGIN, HistoryStore } from "@graphiql/plugin-history";
import { GraphiQLProvider } from "@graphiql/react";
import type { Fetcher } from "@graphiql/toolkit";
import { GraphiQL, GraphiQLInterface } from "graphiql";
import type { GraphQLSchema } from "graphql";
import favicon from "./favicon.svg";
import { FilesPanel } from "./files";
import { PictureStrip } from "./pictures";
import { SessionStatus, type SessionKeeper } from "./session";
import type { FileShelf } from "./shelf";
import type { Store } from "./store";
import { TOUR } from "./tour";

export interface ExplorerParts {
  fetcher: Fetcher;
  session: SessionKeeper;
  shelf: FileShelf;
  pictures: Store<readonly string[]>;
  schema: Store<GraphQLSchema | null>;
}

const PLUGINS = [DOC_EXPLORER_PLUGIN, HISTORY_PLUGIN];
const TABS = [...TOUR];

/** GraphiQL between a bar that shows the session and a dock with the files to send and the pictures that came. */
export function Explorer({ parts: { fetcher, session, shelf, pictures, schema } }: { parts: ExplorerParts }) {
  return (
    <GraphiQLProvider
      fetcher={fetcher}
      storage={sessionStorage} // tabs and history hold passwords that were typed: they go with the browser's tab
      plugins={PLUGINS}
      referencePlugin={DOC_EXPLORER_PLUGIN}
      defaultTabs={TABS}
      inputValueDeprecation
      schemaDescription
      onSchemaChange={(changed) => {
        schema.set(changed);
      }}
    >
      <HistoryStore>
        <DocExplorerStore>
          <div className="graphiql-container regen">
            <header className="regen-bar">
              <img src={favicon} alt="" />
              <h1>Regen</h1>
              <span className="regen-quiet">GraphQL explorer</span>
              <SessionStatus session={session} />
            </header>
            <GraphiQLInterface defaultEditorToolsVisibility="variables" showPersistHeadersSettings={false}>
              <GraphiQL.Logo>
                <></>
              </GraphiQL.Logo>
            </GraphiQLInterface>
            <div className="regen-dock">
              <FilesPanel shelf={shelf} />
              <PictureStrip pictures={pictures} />
            </div>
          </div>
        </DocExplorerStore>
      </HistoryStore>
    </GraphiQLProvider>
  );
}
