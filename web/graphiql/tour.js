// The prepared operations, in the order in which one meets them. Each stands in a tab of its own.

const placeholders = { companyId: 'an id from the tab "Companies"', syncRunId: 'the id of a sync run' };

const tour = [
  {
    query: `# Who am I?
query Viewer {
  viewer {
    name
    kind
    role
    actions
  }
}
`,
  },
  {
    query: `# The companies, those first that want a person, and how each stands with its Microsoft 365 tenant.
query Companies {
  companies(first: 25, orderBy: { field: ATTENTION }) {
    edges {
      node {
        id
        name
        attention
        tenant {
          status
          displayName
          domain
        }
        nextSyncAt(kind: IDENTITY)
      }
    }
  }
}
`,
  },
  {
    query: `# A link that connects a company's tenant: for you, or for the client's administrator.
# Copy it, and start the next tab before you open it in another window.
mutation Connect($companyId: ID!) {
  connect(input: { companyId: $companyId, returnTo: "/" }) {
    consentUrl
    userErrors {
      code
      message
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# Watch its syncs. Start this and stay: leaving the tab ends it. Then open the consentUrl in another window,
# or sync from there.
subscription SyncStatus($companyId: ID!) {
  syncStatus(companyId: $companyId) {
    status
    message
    progress
    counts {
      kind
      read
      created
      updated
      deactivated
      held
    }
    failure {
      code
      message
      remedy
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# Sync now, or join the sync that is under way.
mutation SyncCompany($companyId: ID!) {
  syncCompany(input: { companyId: $companyId }) {
    joined
    syncRun {
      id
      status
      message
    }
    userErrors {
      code
      message
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# The people of a company.
query Contacts($companyId: ID!) {
  contacts(companyId: $companyId, first: 25) {
    totalCount
    edges {
      node {
        displayName
        mail
        department
        jobTitle
        state
        accountEnabled
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# Its groups, with their members.
query Groups($companyId: ID!) {
  groups(companyId: $companyId, first: 10) {
    edges {
      node {
        displayName
        members(first: 10) {
          edges {
            node {
              __typename
              ... on Contact {
                displayName
              }
              ... on ContactGroup {
                displayName
              }
            }
          }
        }
      }
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# Its devices, and whose they are.
query Assets($companyId: ID!) {
  assets(companyId: $companyId, first: 25) {
    edges {
      node {
        hostname
        operatingSystem
        osVersion
        complianceState
        contact {
          displayName
        }
      }
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# What a sync did not dare: deactivations that wait for somebody to decide.
query HeldChanges($companyId: ID!) {
  company(id: $companyId) {
    syncRuns(holdsChanges: true, first: 10) {
      edges {
        node {
          id
          finishedAt
          heldChanges(decision: HELD, first: 100) {
            totalCount
            edges {
              node {
                kind
                name
                because
              }
            }
          }
        }
      }
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# They have really left. (discardHeldChanges keeps them, and the next sync looks anew.)
mutation ReleaseHeldChanges($syncRunId: ID!) {
  releaseHeldChanges(input: { syncRunId: $syncRunId }) {
    syncRun {
      id
    }
    userErrors {
      code
      message
    }
  }
}
`,
    needs: 'syncRunId',
    isFinal: true,
  },
  {
    query: `# Whom other rules would bring, and whom they would take away: nothing is saved. SyncStatus watches the dry run.
mutation PreviewRules($companyId: ID!) {
  updateSyncRules(input: { companyId: $companyId, preview: true, rules: { licensedOnly: true, includeGuests: false } }) {
    syncRun {
      id
      status
    }
    userErrors {
      code
      message
      path
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# What a dry run would change, by name.
query Preview($syncRunId: ID!) {
  node(id: $syncRunId) {
    ... on SyncRun {
      status
      message
      counts {
        kind
        created
        deactivated
      }
      changes(first: 100) {
        edges {
          node {
            kind
            action
            name
          }
        }
      }
    }
  }
}
`,
    needs: 'syncRunId',
  },
  {
    query: `# Every eight hours instead of every four. (paused: true for none at all.)
mutation Schedule($companyId: ID!) {
  updateSyncSchedule(input: { companyId: $companyId, everyHours: 8 }) {
    company {
      nextSyncAt
      syncSchedules {
        kind
        everyHours
        paused
      }
    }
    userErrors {
      code
      message
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# Collect security evidence now; SyncStatus with kind EVIDENCE watches it. It also comes every six hours.
mutation CollectEvidence($companyId: ID!) {
  syncCompany(input: { companyId: $companyId, kind: EVIDENCE }) {
    joined
    syncRun {
      id
      status
      message
    }
    userErrors {
      code
      message
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# What was found, how old it is, and who is not asked for a second factor.
query Evidence($companyId: ID!) {
  company(id: $companyId) {
    evidence {
      ageSeconds
      results(status: [FAIL, INDETERMINATE, NEEDS_REVIEW]) {
        check {
          title
          severity
        }
        status
        reason
        counts {
          population
          failed
        }
      }
      mfaCoverage {
        status
        counts {
          population
          passed
          failed
        }
        findings(first: 25) {
          edges {
            node {
              name
              because
              openedAt
            }
          }
        }
      }
      policies(first: 25) {
        edges {
          node {
            name
            state
            since
          }
        }
      }
      devices(notComplianceState: "compliant", first: 25) {
        totalCount
        edges {
          node {
            name
            state
            since
          }
        }
      }
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# What is wrong, and what to do.
query Alarms {
  alarms(open: true, first: 25) {
    edges {
      node {
        kind
        company {
          name
        }
        message
        remedy
        since
      }
    }
  }
}
`,
  },
  {
    query: `# Watch what goes wrong, and what is over.
subscription AlarmChanged {
  alarmChanged {
    kind
    company {
      name
    }
    message
    closedAt
  }
}
`,
  },
  {
    query: `# Watch the syncs of all companies, as a list of clients does.
subscription SyncRunChanged {
  syncRunChanged {
    company {
      name
    }
    kind
    status
    message
  }
}
`,
  },
  {
    query: `# A token for a program: it looks at one company, and may sync it. The secret is shown this once.
mutation CreateServiceToken($companyId: ID!) {
  createServiceToken(
    input: { name: "PSA", companyIds: [$companyId], actions: [SYNC_COMPANY], expiresInDays: 90 }
  ) {
    secret
    serviceToken {
      id
    }
    userErrors {
      code
      message
      path
    }
  }
}
`,
    needs: 'companyId',
  },
  {
    query: `# Who did what, and who was refused.
query AuditEvents {
  auditEvents(first: 25) {
    edges {
      node {
        at
        actorKind
        actorName
        action
        outcome
        reason
      }
    }
  }
}
`,
  },
  {
    query: `# Disconnect: syncs stop, records are kept.
mutation Disconnect($companyId: ID!) {
  disconnect(input: { companyId: $companyId }) {
    company {
      name
      tenant {
        status
      }
    }
    userErrors {
      code
      message
    }
  }
}
`,
    needs: 'companyId',
    isFinal: true,
  },
];

/** Asks for what the tabs are filled with. */
export const idsQuery = `query Ids {
  companies(first: 25) {
    edges {
      node {
        id
        syncRuns(first: 1) {
          edges {
            node {
              id
            }
          }
        }
      }
    }
  }
}
`;

/** The ids of a company and of its newest run, of one that was synced where there is one. */
export function idsOf({ companies }) {
  const known = companies.edges.map(({ node }) => ({ companyId: node.id, syncRunId: node.syncRuns.edges[0]?.node.id }));
  return known.find(({ syncRunId }) => syncRunId) ?? known[0] ?? {};
}

/** The tabs, filled with the ids that are known. What cannot be taken back is left for a person to fill in. */
export function tabsOf(ids) {
  return tour.map(({ query, needs, isFinal }) => {
    if (!needs) return { query };
    const id = (!isFinal && ids[needs]) || placeholders[needs];
    return { query, variables: JSON.stringify({ [needs]: id }, null, 2) };
  });
}
