import { serveWorker } from "./ganport.js";

serveWorker();
