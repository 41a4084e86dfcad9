import { CombinedError } from 'urql';
import { expect, test } from 'vitest';
import { answered, type Came, keep } from './answers.ts';

const away = new CombinedError({ networkError: new Error('away') });
const came = (data: string | undefined, of: string, error?: CombinedError): Came<string> => ({
  data,
  error,
  operation: { variables: { q: of } },
});

/** What is shown after all this came, while `asked` is asked. */
function after(comings: Came<string>[], asked: string) {
  const kept = comings.reduce(keep<string>, undefined);
  const last = comings.at(-1) ?? { data: undefined, error: undefined, operation: undefined };
  return answered(kept, last, { q: asked });
}

test('an answer stays while it is asked again, and while another question is under way, then as an outdated one', () => {
  expect(after([came('one', 'a')], 'a')).toEqual({ data: 'one', error: undefined, behind: undefined, outdated: false });
  expect(after([came('one', 'a')], 'b')).toMatchObject({ data: 'one', outdated: true, error: undefined });
});

test('a question that failed shows its error, and never the answer to another', () => {
  expect(after([came('one', 'a'), came(undefined, 'b', away)], 'b')).toEqual({
    data: undefined,
    error: away,
    behind: undefined,
    outdated: false,
  });
});

test('an answer that could not be brought up to date stays, and it is said why', () => {
  expect(after([came('one', 'a'), came(undefined, 'a', away)], 'a')).toEqual({
    data: 'one',
    error: undefined,
    behind: away,
    outdated: false,
  });
});

test('the error of a question is not told of the next one, which is under way', () => {
  const shown = after([came('one', 'a'), came(undefined, 'b', away)], 'c');
  expect(shown).toMatchObject({ data: 'one', error: undefined, behind: undefined, outdated: true });
});

test('an answer with an error is none, for what is missing from it looks like nothing', () => {
  expect(after([came('a part', 'a', away)], 'a')).toMatchObject({ data: undefined, error: away });
});

test('before anything came there is nothing, and nothing is outdated', () => {
  expect(after([], 'a')).toEqual({ data: undefined, error: undefined, behind: undefined, outdated: false });
});
