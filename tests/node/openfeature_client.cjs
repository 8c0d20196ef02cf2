// OpenFeature's server SDK with its OFREP provider, unchanged: asks for flags and tells what it got, as JSON.
// The arguments are the server's URL and a list of {type, key, default, context}.

const { OpenFeature } = require('@openfeature/server-sdk');
const { OFREPProvider } = require('@openfeature/ofrep-provider');

async function main([url, asks]) {
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url }));
  const client = OpenFeature.getClient();
  const ask = {
    boolean: (...of) => client.getBooleanDetails(...of),
    string: (...of) => client.getStringDetails(...of),
    number: (...of) => client.getNumberDetails(...of),
    object: (...of) => client.getObjectDetails(...of),
  };
  const told = [];
  for (const { type, key, default: otherwise, context } of JSON.parse(asks)) {
    const { value, variant, reason, errorCode } = await ask[type](key, otherwise, context ?? {});
    told.push({ value, variant, reason, error: errorCode ?? null });
  }
  console.log(JSON.stringify(told));
  await OpenFeature.close();
}

main(process.argv.slice(2));
