"""Which Airflow it is: the one that the corpus is loaded with."""

AIRFLOW_V_3_0_PLUS = True
