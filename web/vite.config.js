import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const FONT = /url\(["']?data:font\/(ttf|woff2?);base64,([A-Za-z0-9+/=]+)["']?\)/g;

/**
 * GraphiQL's and Monaco's style sheets carry their fonts as data: URLs. As files of their own, a browser
 * fetches only the alphabets it shows, and the Content-Security-Policy can keep `font-src` to its own origin.
 */
function fontFiles() {
  return {
    name: "lectern-font-files",
    generateBundle(_options, bundle) {
      for (const sheet of Object.values(bundle)) {
        if (sheet.type !== "asset" || !sheet.fileName.endsWith(".css")) continue;
        sheet.source = String(sheet.source).replaceAll(FONT, (_url, extension, base64) => {
          const source = Buffer.from(base64, "base64");
          const name = `font-${createHash("sha256").update(source).digest("hex").slice(0, 10)}.${extension}`;
          this.emitFile({ type: "asset", fileName: `assets/${name}`, source });
          return `url(./${name})`;
        });
      }
    },
  };
}

export default defineConfig({
  plugins: [fontFiles()],
  build: {
    outDir: fileURLToPath(new URL("../app/static", import.meta.url)),
    emptyOutDir: true,
    assetsInlineLimit: 0, // everything is a file of our own origin, nothing a data: URL
    chunkSizeWarningLimit: 4000, // Monaco is one large chunk, cached for good
    license: { fileName: "licenses.md" }, // the notices of what is bundled travel with it
    modulePreload: { polyfill: false },
    target: "es2022",
    rolldownOptions: { checks: { moduleLevelDirective: false } }, // "use client" means nothing in a page of our own
  },
  server: { proxy: { "/graphql": "http://127.0.0.1:8000" } }, // npm run dev beside `lectern dev`
});
