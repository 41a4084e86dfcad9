import { expect, test } from 'vitest';
import { browserOf } from './browser.ts';

test('a browser is told by its name, version and system', () => {
  const like = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  expect(browserOf(`Mozilla/5.0 (X11; Linux x86_64) ${like} Chrome/141.0.0.0 Safari/537.36`)).toBe('Chrome 141, Linux');
  expect(
    browserOf(`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${like} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0`),
  ).toBe('Edge 131, Windows');
  expect(browserOf('Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0')).toBe(
    'Firefox 132, macOS',
  );
  expect(
    browserOf(
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
    ),
  ).toBe('Safari 18, iPhone');
});

test('what is no browser that we know is told as it told of itself', () => {
  expect(browserOf('curl/8.5.0')).toBe('curl/8.5.0');
});
