import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { createRoot } from "react-dom/client";
import { examples } from "./examples";
import mark from "./favicon.svg";
import "./style.css";
import "./workers";

const fetcher = createGraphiQLFetcher({
  url: "/graphql",
  headers: { accept: "application/graphql-response+json, application/json;q=0.9" },
  enableIncrementalDelivery: false,
});

/** GraphiQL fills the first tab's query from `defaultTabs`, but not its variables; later visits restore both. */
function firstVariables() {
  try {
    return localStorage.getItem("graphiql:tabState") ? undefined : examples[0].variables;
  } catch {
    return examples[0].variables; // storage is switched off: every visit is a first one
  }
}

function Lectern() {
  return (
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={examples}
      initialVariables={firstVariables()}
      defaultEditorToolsVisibility="variables"
    >
      <GraphiQL.Logo>
        <span className="lectern-logo">
          <img src={mark} alt="" width="22" height="22" />
          Lectern
        </span>
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

createRoot(document.getElementById("lectern")).render(<Lectern />);
