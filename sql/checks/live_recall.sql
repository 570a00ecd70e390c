-- Live queries find what is nearest, by an index that is approximate. Fewer than thirty users tell
-- too little. nearest_items() goes by no index then; queries of one's own may.
select
    'live queries by index find ' || round(live_recalls.recall::numeric, 3)::text
    || ' of the nearest ' || live_recalls.k::text
    || case live_recalls.filter when 'category' then ' of a category' else '' end
    || ' with hnsw.ef_search ' || live_recalls.ef_search::text
    || ', so nearest_items() looks at all, which takes longer'
    || ' (RECSYS_ENOUGH_RECALL, RECSYS_EF_SEARCH)' as finding
from live_recalls
where
    live_recalls.night = any(%(nights)s::date[])
    and live_recalls.n_users >= 30
    and live_recalls.recall < %(enough_recall)s
order by live_recalls.filter;
