const redis = require('redis');
module.exports.go = (context, events, done) => done();
