// Two clients from npm as they come: `node node_clients.js URL KEY SECRET CERTIFICATE HOOKS PHONE`; prints JSON.
const http = require("http");
const [url, key, secret, certificate, hooks, phone] = process.argv.slice(2);
const PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919";

const said = (promise) => promise.then((answer) => answer.data || answer, (error) => {
  const body = error.response ? error.response.data : error.data || error;
  return body.errorCode ? `${body.errorCode} ${body.errorMessage}` : { unknown: String(body.message || body), body };
});

async function mpesaNode() {
  const Mpesa = require("mpesa-node");
  const mpesa = new Mpesa({
    consumerKey: key, consumerSecret: secret, shortCode: "600111", initiatorName: "testapi111",
    lipaNaMpesaShortCode: "174379", lipaNaMpesaShortPass: PASSKEY, securityCredential: "Safaricom111!",
    certPath: certificate,
  });
  mpesa.baseURL = url;
  const seen = {};
  seen.push = await said(mpesa.lipaNaMpesaOnline(phone, 100, `${hooks}/node-stk`, "A1"));
  seen.query = await said(mpesa.lipaNaMpesaQuery(seen.push.CheckoutRequestID));
  seen.register = await said(mpesa.c2bRegister(`${hooks}/node-c`, `${hooks}/node-v`));
  seen.simulate = await said(mpesa.c2bSimulate(phone, 10, "ACC1001"));
  seen.balance = await said(mpesa.accountBalance("600111", 4, `${hooks}/node-q`, `${hooks}/node-balance`));
  seen.payout = await said(mpesa.b2c("600111", phone, 100, `${hooks}/node-q`, `${hooks}/node-b2c`));
  seen.reversal = await said(mpesa.reversal("LKXXXX1234", 100, `${hooks}/node-q`, `${hooks}/node-reversal`));
  seen.status = await said(mpesa.transactionStatus("LKXXXX1234", "600111", 4, `${hooks}/node-q`, `${hooks}/node-status`));
  return seen;
}

async function mpesaApi() {
  http.globalAgent.defaultPort = Number(new URL(url).port); // it knows hosts, and no ports
  require("mpesa-api/lib/routes").routes.sandbox = url;
  const { Mpesa } = require("mpesa-api");
  const own = new Mpesa({ clientKey: key, clientSecret: secret, initiatorPassword: "Safaricom123!!" }, "sandbox");
  const mpesa = new Mpesa({
    clientKey: key, clientSecret: secret, initiatorPassword: "Safaricom123!!", certificatePath: certificate,
  }, "sandbox");
  await new Promise((done) => setTimeout(done, 100)); // it reads the certificate beside
  const push = {
    BusinessShortCode: 174379, Amount: 11, PartyA: phone, PartyB: "174379", PhoneNumber: phone, passKey: PASSKEY,
    CallBackURL: `${hooks}/api-stk`, AccountReference: "A2",
  };
  const who = { Initiator: "testapi", PartyA: "600112", IdentifierType: "4", QueueTimeOutURL: `${hooks}/api-q` };
  const seen = {};
  seen.loose = await said(mpesa.lipaNaMpesaOnline(push));
  seen.push = await said(mpesa.lipaNaMpesaOnline({ ...push, TransactionType: "CustomerPayBillOnline" }));
  seen.register = await said(mpesa.c2bRegister({
    ShortCode: 600112, ResponseType: "Completed", ConfirmationURL: `${hooks}/api-c`, ValidationURL: `${hooks}/api-v`,
  }));
  seen.balance = await said(mpesa.accountBalance({ ...who, ResultURL: `${hooks}/api-balance` }));
  seen.own = await said(own.accountBalance({ ...who, ResultURL: `${hooks}/api-own` }));
  seen.payout = await said(mpesa.b2c({
    Initiator: "testapi", CommandID: "BusinessPayment", Amount: 12, PartyA: "600112", PartyB: phone,
    QueueTimeOutURL: `${hooks}/api-q`, ResultURL: `${hooks}/api-b2c`,
  }));
  return seen;
}

(process.argv[8] === "mpesa-api" ? mpesaApi() : mpesaNode()).then((seen) => console.log(JSON.stringify(seen)));
