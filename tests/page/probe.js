/** For tests: colors the file of #probe by a worker of the page's own kind. */
async () => {
  if (!self.ask) {
    const text = async (name) => (await fetch(name)).text();
    const script = await text("page.js");
    const asset = async (name) => {
      const [found] = script.match(new RegExp(`${name}-[0-9a-f]{12}\\.gz`));
      return (await fetch(found)).blob();
    };
    const worker = new Worker(URL.createObjectURL(new Blob([await text("worker.js")])));
    self.ask = (message) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => {
          if (data.error === undefined) resolve(data.result);
          else reject(new Error(data.error));
        };
        worker.postMessage(message);
      });
    const assets = { network: await asset("network"), litert: await asset("litert") };
    await self.ask({ task: "load", assets });
  }
  const [file] = document.getElementById("probe").files;
  const made = await self.ask({ task: "color", file, longest: 240 });
  const { pixels } = await self.ask({ task: "pixels", file, colors: made.colors, strength: 1 });
  self.pixels = pixels.data;
  return { width: pixels.width, height: pixels.height, exact: made.exact };
};
