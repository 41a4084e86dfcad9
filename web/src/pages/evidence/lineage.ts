// Why a finding says what it says, out of its lineage. Checks write what they looked at; policies and excuses are told in
// words, the rest as it is.

export interface Exclusion {
  by: string;
  object: string;
  /** The groups through which it came, from the one that is left out to the one that the person is in. */
  path: string[];
}

export interface Stand {
  policy: string;
  name: string | null;
  certain: boolean;
  how: 'applies' | 'notIncluded' | 'excluded' | 'perhaps';
  exclusion: Exclusion | null;
}

export interface Excuse {
  owner: string | null;
  /** The excuse in words, where there is no more of it. */
  reason: string;
  expiresAt: string | null;
}

export interface Told {
  /** How each policy stands to the person; null where it is not about policies. */
  policies: Stand[] | null;
  excuse: Excuse | null;
  /** What else there is, by name. */
  rest: [string, unknown][];
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown) => (typeof value === 'string' ? value : null);

export function told(lineage: unknown): Told {
  if (!isFields(lineage)) return { policies: null, excuse: null, rest: isEmpty(lineage) ? [] : [['', lineage]] };
  if ('excuse' in lineage) return { ...told(lineage.otherwise), excuse: excuse(lineage.excuse) };
  const { policies, ...rest } = lineage;
  return {
    policies: Array.isArray(policies) ? policies.filter(isFields).map(stand) : null,
    excuse: null,
    rest: Object.entries(rest).filter(([, value]) => !isEmpty(value)),
  };
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

function excuse(value: unknown): Excuse {
  if (!isFields(value)) return { owner: null, reason: String(value), expiresAt: null };
  return { owner: text(value.owner), reason: text(value.reason) ?? '', expiresAt: text(value.expiresAt) };
}

function stand(policy: Fields): Stand {
  const { user } = policy;
  const left = isFields(user) ? (user.excluded ?? user.perhapsExcluded) : undefined;
  return {
    policy: text(policy.policy) ?? '',
    name: text(policy.name),
    certain: policy.certain !== false,
    how: isFields(user)
      ? 'excluded' in user
        ? 'excluded'
        : 'perhaps'
      : user === 'applies'
        ? 'applies'
        : 'notIncluded',
    exclusion: isFields(left) ? exclusion(left) : null,
  };
}

function exclusion(left: Fields): Exclusion {
  const path = Array.isArray(left.path) ? left.path.filter((step) => typeof step === 'string') : [];
  return { by: text(left.by) ?? '', object: text(left.object) ?? '', path };
}

/** A name as programs write it, as people would: `isMfaCapable` is "is mfa capable". */
export function spaced(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/[._]/g, ' ')
    .toLowerCase();
}
