/**
 * `proc-title-template`: text with variables in braces, "{{" standing for a brace.
 * Variables: title, listen-addr, server-mode, config-file, port, tls-port, unixsocket.
 */

export interface TitleFacts {
  /** What CONFIG GET shows for a directive. */
  readonly textOf: (name: string) => string;
  readonly title: string;
  readonly configFile: string;
}

/** The expanded title without spaces at its ends; null when malformed or of unknown variables. */
export function expandTitle(template: string, facts: TitleFacts): string | null {
  let expanded = "";
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf("{", at);
    if (open < 0) break;
    expanded += template.slice(at, open);
    if (template[open + 1] === "{") {
      expanded += "{";
      at = open + 2;
      continue;
    }
    const close = template.indexOf("}", open + 1);
    if (close < 0) return null;
    const value = variable(template.slice(open + 1, close), facts);
    if (value === null) return null;
    expanded += value;
    at = close + 1;
  }
  return (expanded + template.slice(at)).replace(/^ +| +$/g, "");
}

function variable(name: string, { textOf, title, configFile }: TitleFacts): string | null {
  switch (name) {
    case "title":
      return title;
    case "listen-addr":
      return listenAddress(textOf);
    case "server-mode":
      return textOf("cluster-enabled") === "yes" ? "[cluster]" : "";
    case "config-file":
      return configFile || "-";
    case "port":
    case "tls-port":
    case "unixsocket":
      return textOf(name);
    default:
      return null;
  }
}

function listenAddress(textOf: TitleFacts["textOf"]): string {
  const port = textOf("port") === "0" ? textOf("tls-port") : textOf("port");
  if (port === "0") return `unixsocket:${textOf("unixsocket")}`;
  const [first] = textOf("bind").split(" ");
  return `${first || "*"}:${port}`;
}
