// Writes the types of the API, src/lib/api/schema.d.ts, from the server's OpenAPI document.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const source = new URL('../../surface/server/openapi.json', import.meta.url);
const target = new URL('../src/lib/api/schema.d.ts', import.meta.url);

const description = JSON.parse(await readFile(source, 'utf8'));
// The client goes by paths. Ids of operations are left out, as handlers of different rooms share their names.
for (const path of Object.values(description.paths)) {
  for (const operation of Object.values(path)) delete operation.operationId;
}
const types = await openapiTS(description, { emptyObjectsUnknown: true });
await writeFile(target, astToString(types));
