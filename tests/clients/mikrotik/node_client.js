// node-routeros as it comes. One line of JSON on standard output: what it saw.
const { RouterOSAPI } = require("node-routeros");

const [host, port, user, password] = process.argv.slice(2);
const seen = { changes: [] };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const tell = () => { console.log(JSON.stringify(seen)); process.exit(0); };
// An unknown reply word is thrown out of the socket's callback, where nobody can catch it.
process.on("uncaughtException", (error) => { seen.uncaught = error.message; tell(); });

(async () => {
  const api = new RouterOSAPI({ host, port: Number(port), user, password, timeout: 5 });
  await api.connect();
  seen.identity = (await api.write("/system/identity/print"))[0].name;
  const [made] = await api.write("/ppp/secret/add", ["=name=nöde", "=password=x", "=comment="]);
  seen.found = (await api.write("/ppp/secret/print", ["?name=nöde"]))[0].name;
  await api.write("/ppp/secret/add", ["=name=y", "=profile=none"]).catch((error) => { seen.trap = error.message; });
  const stream = api.stream("/ppp/secret/listen", (error, packet) => packet && seen.changes.push(packet));
  await pause(100);
  await api.write("/ppp/secret/set", [`=.id=${made.ret}`, "=comment=zz"]);
  await api.write("/ppp/secret/remove", [`=.id=${made.ret}`]);
  await pause(100);
  await stream.stop();
  seen.nothing = await api.write("/ppp/secret/print", ["?name=nobody"]);
  await api.close();
  tell();
})().catch((error) => { seen.failed = error.message; tell(); });
