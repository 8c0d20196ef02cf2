module.exports = {
  greet(context, events, done) {
    context.vars.greeting = 'hello ' + context.vars.tea;
    events.emit('counter', 'greetings', 1);
    return done();
  },
  async sign(params, context) {
    params.headers['x-signed'] = 'yes';
  },
  check(params, response, context, events, done) {
    done(response.statusCode === 200 ? null : new Error('not me'));
  },
};
