// Starts the replica set and creates the gateways' user, unless that has been done.
const { readFileSync } = require("fs");
const secret = (name) => readFileSync(`/run/secrets/${name}`, "utf8").trim();

const root = encodeURIComponent(secret("mongodb_root_password"));
db = connect(`mongodb://root:${root}@mongodb:27017/admin?directConnection=true`);

try {
  rs.initiate({ _id: "lectern", members: [{ _id: 0, host: "mongodb:27017" }] });
} catch (error) {
  if (error.codeName !== "AlreadyInitialized") throw error;
}
while (!db.hello().isWritablePrimary) sleep(200);

if (!db.getUser("lectern")) {
  const roles = [{ role: "readWrite", db: "lectern" }];
  db.createUser({ user: "lectern", pwd: secret("mongodb_password"), roles });
}
