/** The Web Worker of a page. */

import { serveWorker } from "./worker-server.js";

serveWorker();
