// Tells what a user feels of a page, as the Web Vitals define it: times in milliseconds since the page was asked
// for, and for CLS the largest sum of layout shifts within five seconds without a pause of one.
(() => {
  if (window !== window.top) return;
  const tell = (name, value) => globalThis.mainstayVital(JSON.stringify({ name, value }));
  const watch = (type, each) => new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
  watch('navigation', (entry) => tell('TTFB', Math.max(entry.responseStart - (entry.activationStart ?? 0), 0)));
  watch('paint', (entry) => entry.name === 'first-contentful-paint' && tell('FCP', entry.startTime));
  watch('largest-contentful-paint', (entry) => tell('LCP', entry.startTime));
  let worst = -1;
  let sum = 0;
  let first = 0;
  let last = 0;
  const shifted = (entry) => {
    if (entry.hadRecentInput) return;
    const goesOn = sum > 0 && entry.startTime - last < 1000 && entry.startTime - first < 5000;
    sum = goesOn ? sum + entry.value : entry.value;
    first = goesOn ? first : entry.startTime;
    last = entry.startTime;
    if (sum > worst) tell('CLS', (worst = sum));
  };
  watch('layout-shift', shifted);
  addEventListener('load', () => worst < 0 && tell('CLS', (worst = 0)));
})();
