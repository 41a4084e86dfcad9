// What the tenant's consent gives and lacks, feature by feature, and how what is missing is had.

import { ConsentDocument, type ConsentQuery } from '../../gql/graphql.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Answer } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/settings.ts';
import { texts } from '../../texts.ts';
import { type CompanyContext, useCompany } from '../company/context.ts';
import { InviteButton } from '../company/sync/invite-button.tsx';
import { Notice } from '../company/sync/notice.tsx';
import { useAsking } from '../company/sync/use-asking.ts';
import { Section } from './section.tsx';

type Granted = NonNullable<NonNullable<ConsentQuery['company']>['tenant']>['consent'];
type Tenant = NonNullable<CompanyContext['company']['tenant']>;
type Feature = Granted['features'][number];

const say = words.consent;

export function Consent() {
  const { company, sync } = useCompany();
  const asked = useAsked(ConsentDocument, { company: company.id }, sync.revision);
  const stopped = stoppedBy(company.tenant);
  return (
    <Section title={say.title} text={say.text}>
      <Answer asked={asked} waiting={<Skeleton className="skeleton-card" />}>
        {({ company }) =>
          company?.tenant ? <Features consent={company.tenant.consent} stopped={stopped} /> : <p>{say.unconnected}</p>
        }
      </Answer>
    </Section>
  );
}

/** Why nothing works, whatever was granted once; null where the tenant lets us read. */
function stoppedBy(tenant: Tenant | null): string | null {
  if (tenant?.status === 'RECONNECT_NEEDED') return say.refused;
  return tenant?.status === 'DISCONNECTED' ? say.disconnected : null;
}

function Features({ consent, stopped }: { consent: Granted; stopped: string | null }) {
  return (
    <>
      {stopped ? <p className="notice warn">{stopped}</p> : consent.repair && <Repair />}
      <ul className="settings-list">
        {consent.features.map((feature) => (
          <li key={feature.feature}>
            <span className="settings-list-name">
              {say.features[feature.feature]}
              {feature.stops && <span className="small consent-stops">{feature.stops}</span>}
              <Roles feature={feature} />
            </span>
            {stopped ? <span className="pill warn">{say.standsStill}</span> : <Works feature={feature} />}
          </li>
        ))}
      </ul>
      {consent.grantedAt && (
        <p className="quiet small">
          {stopped ? say.was : say.seen} <Time at={consent.grantedAt} />
        </p>
      )}
    </>
  );
}

/** What it needs, and what of that was granted. */
function Roles({ feature }: { feature: Feature }) {
  const { missingRoles } = feature;
  const isMissing = (role: string) => missingRoles?.includes(role) ?? false;
  return (
    <ul className="consent-roles small quiet" aria-label={say.needs}>
      {feature.neededRoles.map((role) => (
        <li key={role} className={isMissing(role) ? 'missing' : undefined}>
          {missingRoles && <span aria-hidden="true">{isMissing(role) ? '✗\u00a0' : '✓\u00a0'}</span>}
          {role}
          {missingRoles && <span className="sr-only"> ({isMissing(role) ? say.missing : say.granted})</span>}
        </li>
      ))}
    </ul>
  );
}

/** The one thing to do where something is missing. */
function Repair() {
  const { may } = useCompany();
  const asking = useAsking();
  return (
    <div className="notice warn">
      <p>{say.repair}</p>
      {may('CONNECT') && (
        <div className="consent-ways">
          <InviteButton asking={asking} />
          <button type="button" className="button primary" onClick={asking.toMicrosoft} aria-disabled={asking.asking}>
            {texts.sync.reconnect}
          </button>
        </div>
      )}
      <Notice told={asking.told} />
    </div>
  );
}

function Works({ feature }: { feature: Feature }) {
  if (feature.works === null) return <span className="pill">{say.unknown}</span>;
  return feature.works ? (
    <span className="pill good">{say.works}</span>
  ) : (
    <span className="pill bad">{say.stopped}</span>
  );
}
