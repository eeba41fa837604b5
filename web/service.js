/** Keeps the page, the runtime, and the network, so that the page works without a connection. */
/* global VERSION, SMALL, LARGE */

const PAGE = `colornet-page-${VERSION}`; // replaced as a whole by the next version
const NETWORK = "colornet-network"; // files whose names tell their content

self.addEventListener("install", (event) => {
  self.skipWaiting();
  const requests = SMALL.map((name) => new Request(name, { cache: "reload" }));
  event.waitUntil(caches.open(PAGE).then((cache) => cache.addAll(requests)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(removeOld().then(() => self.clients.claim()));
});

async function removeOld() {
  for (const name of await caches.keys()) {
    if (name.startsWith("colornet-page-") && name !== PAGE) await caches.delete(name);
  }
  const cache = await caches.open(NETWORK);
  for (const request of await cache.keys()) {
    if (!LARGE.some((name) => request.url.endsWith(`/${name}`))) await cache.delete(request);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  event.respondWith(answer(request));
});

async function answer(request) {
  const found = await caches.match(request, { ignoreSearch: true });
  if (found) return found;
  const response = await fetch(request);
  if (response.ok && LARGE.some((name) => request.url.endsWith(`/${name}`))) {
    const copy = response.clone();
    caches.open(NETWORK).then((cache) => cache.put(request, copy)).catch(() => {});
  }
  return response;
}
