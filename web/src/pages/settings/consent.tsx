// What the tenant's consent gives and lacks, feature by feature, and how what is missing is had.

import { useQuery } from 'urql';
import { ConsentDocument, type ConsentQuery } from '../../gql/graphql.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Failed } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { texts } from '../../texts.ts';
import { useCompany } from '../company/context.ts';
import { useAsking } from '../company/sync/use-asking.ts';
import { Section } from './section.tsx';

type Granted = NonNullable<NonNullable<ConsentQuery['company']>['tenant']>['consent'];
type Feature = Granted['features'][number];

const say = texts.settings.consent;

export function Consent() {
  const { company } = useCompany();
  const [{ data, error }, ask] = useQuery({ query: ConsentDocument, variables: { company: company.id } });
  const consent = data?.company?.tenant?.consent;
  return (
    <Section title={say.title} text={say.text}>
      {consent ? (
        <Features consent={consent} />
      ) : error ? (
        <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />
      ) : data ? (
        <p>{say.unconnected}</p>
      ) : (
        <Skeleton className="skeleton-card" />
      )}
    </Section>
  );
}

function Features({ consent }: { consent: Granted }) {
  return (
    <>
      {consent.repair && <Repair />}
      <ul className="settings-list">
        {consent.features.map((feature) => (
          <li key={feature.feature}>
            <span className="settings-list-name">
              {say.features[feature.feature]}
              <span className="quiet small consent-roles">
                {feature.stops && `${feature.stops} `}
                {feature.missingRoles?.length
                  ? say.missing(feature.missingRoles.join(', '))
                  : feature.neededRoles.join(', ')}
              </span>
            </span>
            <Works feature={feature} />
          </li>
        ))}
      </ul>
      {consent.grantedAt && (
        <p className="quiet small">
          {say.seen} <Time at={consent.grantedAt} />
        </p>
      )}
    </>
  );
}

/** The one thing to do where something is missing. */
function Repair() {
  const { company, may } = useCompany();
  const asking = useAsking(company.id);
  return (
    <div className="notice warn">
      <p>{say.repair}</p>
      {may('CONNECT') && (
        <button type="button" className="button" onClick={asking.toMicrosoft} aria-disabled={asking.asking}>
          {texts.sync.reconnect}
        </button>
      )}
      {asking.told?.kind === 'refused' && <p role="alert">{asking.told.message}</p>}
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
