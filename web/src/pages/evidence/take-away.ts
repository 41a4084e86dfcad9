// Evidence to take away. The browser's cookie alone does not open it, so that no link elsewhere can make somebody fetch it:
// it is asked for with a header, and saved from memory.

import { PATIENCE } from '../../patience.ts';
import { words } from '../../texts/evidence.ts';

export type Format = 'bundle' | 'oscal';

export interface Saved {
  file: string;
  bytes: number;
}

/** Why there is no file, in words for people. */
export class Refused extends Error {}

/** Fetches a period and saves it as a file; `onPart` hears how many bytes have come. */
export async function takeAway(
  company: string,
  format: Format,
  period: { from: string; to: string },
  onPart: (bytes: number) => void,
): Promise<Saved> {
  const silence = limitOfSilence();
  const address = `/evidence/${encodeURIComponent(company)}/${format}?${new URLSearchParams({ ...period })}`;
  const response = await asked(address, silence.signal);
  if (!response.ok || !response.body) throw new Refused(await refusal(response));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  try {
    for (const reader = response.body.getReader(); ; ) {
      silence.broken();
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      bytes += value.length;
      onPart(bytes);
    }
  } catch {
    throw new Refused(words.record.away.network);
  } finally {
    silence.end();
  }
  const file =
    nameOf(response.headers.get('content-disposition')) ?? `evidence.${format === 'bundle' ? 'zip' : 'json'}`;
  save(new Blob(parts, { type: response.headers.get('content-type') ?? '' }), file);
  return { file, bytes };
}

/** What is large may take its time; what says nothing for as long as anything is waited for is given up. */
function limitOfSilence() {
  const given = new AbortController();
  const begin = () => setTimeout(() => given.abort(), PATIENCE);
  let timer = begin();
  const end = () => clearTimeout(timer);
  const broken = () => {
    end();
    timer = begin();
  };
  return { signal: given.signal, broken, end };
}

async function asked(address: string, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(address, { headers: { 'X-Tenantry-Request': '1' }, signal });
  } catch {
    throw new Refused(words.record.away.network);
  }
}

/** What is known here is said in our words; what is wrong with the period is said by the server, for people. */
async function refusal(response: Response): Promise<string> {
  const known = Object.entries(words.record.away).find(([status]) => status === String(response.status));
  if (known) return known[1];
  try {
    const { errors } = (await response.json()) as { errors?: { message?: unknown }[] };
    const message = errors?.[0]?.message;
    if (response.status === 400 && typeof message === 'string') return message;
  } catch {
    // What is no answer of ours has nothing to say.
  }
  return words.record.away.other;
}

/** The file name of a `Content-Disposition`. */
export function nameOf(disposition: string | null): string | undefined {
  return /filename="([^"]+)"/.exec(disposition ?? '')?.[1];
}

function save(content: Blob, file: string) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = file;
  link.click();
  // The browser has begun to write by the time that anything else is done.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** How much that is: "820 bytes", "12 kB", "3.4 MB". */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
